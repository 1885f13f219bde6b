/** Owns the method: every trial in a fresh process, contestants in alternating order, several rounds. */
import { execFile } from 'node:child_process'
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
}

/** The numbers of a measurement, one for each round. */
export type Numbers = ReadonlyMap<string, readonly number[]>

const TRIAL_TIMEOUT_MS = 120_000
const run = promisify(execFile)

export function keyOf({ contestant, measure }: Measurement): string {
  return `${contestant} ${measure}`
}

/**
 * Runs each group of measurements that are compared with each other back to back, in reverse order every other round,
 * so that whatever else the machine does hits all of them alike.
 */
export async function runRounds(
  groups: readonly (readonly Measurement[])[],
  rounds: number,
  quick: boolean
): Promise<Numbers> {
  const numbers = new Map<string, number[]>()
  const total = rounds * groups.flat().length
  let done = 0
  for (let round = 0; round < rounds; round++) {
    for (const group of groups) {
      for (const measurement of round % 2 === 0 ? group : [...group].reverse()) {
        const key = keyOf(measurement)
        showProgress(`round ${round + 1}/${rounds}, trial ${++done}/${total}: ${key}`)
        const value = await runTrial(measurement, quick)
        numbers.set(key, [...(numbers.get(key) ?? []), value])
      }
    }
  }
  clearProgress()
  return numbers
}

async function runTrial({ file, measure, contestant }: Measurement, quick: boolean): Promise<number> {
  const mode = quick ? ['--quick'] : []
  const { stdout } = await run(process.execPath, [fileURLToPath(file), measure, ...mode], {
    timeout: TRIAL_TIMEOUT_MS,
    killSignal: 'SIGKILL'
  })
  const value = Number(stdout.trim().split('\n').at(-1))
  if (!(value > 0)) throw new Error(`the trial of ${contestant} ${measure} printed no number: ${stdout}`)
  return value
}
