/** Owns the rows about a thousand open jobs, which nobody else is measured by. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { clearProgress, showProgress } from '../lib/progress.js'
import { type RowResult, reaches } from './results.js'
import type { Target, Unit } from './rows.js'

/** Prints `{ openMsEach, rssMb, idleCpuMsPerSecond, fds }`. */
const PROGRAM = fileURLToPath(new URL('./many-jobs.mjs', import.meta.url))
const TIMEOUT_MS = 5 * 60_000
/** A process at rest whose timers still tick; less cannot be told from nothing. */
const NO_CPU_MS = 2

const ASPECTS: readonly { field: string; title: string; unit: Unit; bound?: number }[] = [
  { field: 'openMsEach', title: '1000 jobs: opening each', unit: 'ms', bound: 5 },
  { field: 'rssMb', title: '1000 jobs: resident memory', unit: 'MB', bound: 400 },
  { field: 'idleCpuMsPerSecond', title: '1000 jobs: CPU in a second at rest', unit: 'ms', bound: NO_CPU_MS },
  { field: 'fds', title: '1000 jobs: open file descriptors', unit: 'files' }
]

export interface ManyJobs {
  readonly results: readonly RowResult[]
  /** Why there are none. */
  readonly reason?: string
}

export async function measureManyJobs(quick: boolean): Promise<ManyJobs> {
  if (!existsSync(PROGRAM)) return { results: [], reason: 'there is no bench/storage/many-jobs.mjs' }
  showProgress('1000 open jobs')
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...(quick ? ['--quick'] : [])], {
      timeout: TIMEOUT_MS
    })
    const numbers = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
    return { results: ASPECTS.map((aspect) => resultOf(aspect, numbers[aspect.field])) }
  } catch (error) {
    return { results: [], reason: (error as Error).message }
  } finally {
    clearProgress()
  }
}

function resultOf({ field, title, unit, bound }: (typeof ASPECTS)[number], number: unknown): RowResult {
  const value = typeof number === 'number' ? number : undefined
  const rounds = value === undefined ? [] : [value]
  const target: Target | undefined = bound === undefined ? undefined : { sign: '<=', bound }
  return {
    title,
    measure: `many-jobs ${field}`,
    unit,
    contestants: [{ contestant: 'persistency', value, rounds, ratio: undefined }],
    targets:
      target === undefined
        ? []
        : [{ target: `<= ${bound} ${unit}`, value, rounds: [], reached: reaches(value, target) }]
  }
}
