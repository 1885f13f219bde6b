/** Owns the torture by opening and closing without end: nothing may be left of a job that is closed. */
import { join } from 'node:path'
import { check, checkEqual } from '../lib/checks.mjs'
import { runChild } from '../lib/children.js'
import type { Scenario } from '../lib/scenario.js'

const CYCLES = { short: 30, long: 1000 }
/** A cycle leaves less than this; a worker that stayed would be thousands of times as much. */
const HEAP_MB_PER_CYCLE = 0.02
const RSS_MB = 64

interface Held {
  readonly handles: number
  readonly exitListeners: number
  readonly threads: number
  readonly files: number
  readonly heapMb: number
  readonly rssMb: number
}

export const churn: Scenario = {
  name: 'churn',
  promise: 'opening and closing over and over leaves no handle, no thread, no file and no memory',
  rounds: { short: 1, long: 1 },
  async round({ form, folder, count, figure }) {
    const cycles = CYCLES[form]
    const settings = { root: join(folder, 'data'), cycles }
    const [held] = await runChild('churn', settings, { flags: ['--expose-gc'], limitMs: 1_200_000 })
    const { before, after } = held as { before: Held; after: Held }
    const countable = ({ handles, exitListeners, threads, files }: Held): number[] => [
      handles,
      exitListeners,
      threads,
      files
    ]
    checkEqual(countable(after), countable(before), 'handles, exit listeners, threads and open files')
    const heap = after.heapMb - before.heapMb
    check(heap < 1 + HEAP_MB_PER_CYCLE * cycles, `the heap grew by ${heap} MB in ${cycles} cycles`)
    check(after.rssMb - before.rssMb < RSS_MB, `memory grew from ${before.rssMb} to ${after.rssMb} MB`)
    count('cycles', cycles)
    figure('growth of the heap', heap, 'MB')
    figure('growth of the resident memory', after.rssMb - before.rssMb, 'MB')
    figure('threads afterwards', after.threads, '')
  }
}
