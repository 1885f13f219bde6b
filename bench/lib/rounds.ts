/** Owns the method: every trial in a fresh process, contestants in alternating order, several rounds. */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { clearProgress, showProgress } from './progress.js'

/** One number that one contestant can be asked for. */
export interface Measurement {
  readonly contestant: string
  /** The module that measures, run by a plain `node`. */
  readonly file: URL
  /** What to measure, as the module knows it. */
  readonly measure: string
  /** What the module is told; only `measure` by default. */
  readonly args?: readonly string[]
  /** Default two minutes. */
  readonly timeoutMs?: number
}

/** The numbers of a measurement, one for each round. */
export type Numbers = ReadonlyMap<string, readonly number[]>

/** Why there are no numbers of a measurement. */
export interface Gap {
  readonly contestant: string
  readonly measure: string
  /** A trial that failed is a fault; one that did not run could not be loaded on this machine. */
  readonly kind: 'failed' | 'did not run'
  readonly reason: string
}

export interface Rounds {
  readonly numbers: Numbers
  readonly gaps: readonly Gap[]
}

const TRIAL_TIMEOUT_MS = 120_000
const DID_NOT_RUN = 'did not run: '
const run = promisify(execFile)

export function keyOf({ contestant, measure }: Pick<Measurement, 'contestant' | 'measure'>): string {
  return `${contestant} ${measure}`
}

/**
 * Runs each group of measurements that are compared with each other back to back, in reverse order every other round,
 * so that whatever else the machine does hits all of them alike. A measurement that fails has no numbers and is not
 * tried again; the others go on. The numbers of a quick run mean nothing: it makes as many trials at once as there are
 * cores.
 */
export async function runRounds(
  groups: readonly (readonly Measurement[])[],
  rounds: number,
  quick: boolean
): Promise<Rounds> {
  const numbers = new Map<string, number[]>()
  const gaps = new Map<string, Gap>()
  const trials = Array.from({ length: rounds }, (_, round) =>
    groups.flatMap((group) => (round % 2 === 0 ? group : [...group].reverse()))
  ).flat()
  const left = trials.entries()
  const runTrials = async (): Promise<void> => {
    for (const [index, measurement] of left) {
      const key = keyOf(measurement)
      const round = Math.floor((index * rounds) / trials.length) + 1
      showProgress(`round ${round}/${rounds}, trial ${index + 1}/${trials.length}: ${key}`)
      if (gaps.has(key)) continue
      const outcome = await runTrial(measurement, quick)
      if (typeof outcome === 'number') numbers.set(key, [...(numbers.get(key) ?? []), outcome])
      else {
        gaps.set(key, outcome)
        numbers.delete(key)
      }
    }
  }
  await Promise.all(Array.from({ length: quick ? availableParallelism() : 1 }, runTrials))
  clearProgress()
  return { numbers, gaps: [...gaps.values()] }
}

/** The list of what is missing, a line for each; empty when nothing is. */
export function describeGaps(gaps: readonly Gap[]): string {
  return gaps
    .map(({ contestant, measure, kind, reason }) => `\n${contestant} ${measure} ${kind}: ${reason}`)
    .join('')
}

async function runTrial(measurement: Measurement, quick: boolean): Promise<number | Gap> {
  const { file, contestant, measure, args = [measure], timeoutMs = TRIAL_TIMEOUT_MS } = measurement
  const gap = (kind: Gap['kind'], reason: string): Gap => ({ contestant, measure, kind, reason })
  try {
    const { stdout } = await run(
      process.execPath,
      [fileURLToPath(file), ...args, ...(quick ? ['--quick'] : [])],
      { timeout: timeoutMs, killSignal: 'SIGKILL' }
    )
    const last = stdout.trim().split('\n').at(-1) ?? ''
    if (last.startsWith(DID_NOT_RUN)) return gap('did not run', last.slice(DID_NOT_RUN.length))
    const value = Number(last)
    return value > 0 ? value : gap('failed', `it printed no number: ${stdout}`)
  } catch (error) {
    return gap('failed', reasonOf(error, timeoutMs))
  }
}

/** What a process that ended badly said about it. */
function reasonOf(error: unknown, timeoutMs: number): string {
  const { killed, stderr = '', message } = error as { killed?: boolean; stderr?: string; message: string }
  if (killed) return `it took more than ${timeoutMs / 1000} s`
  const lines = stderr.split('\n').map((line) => line.trim())
  return lines.find((line) => /^(\w*Error|Persistency\w*)\b.*:/.test(line)) ?? lines.find(Boolean) ?? message
}
