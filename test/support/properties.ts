/** Tries properties that take long: as often as there is time for. */
import { expect } from '@jest/globals'
import fc, { type IAsyncProperty, type Parameters } from 'fast-check'
import { HAS_THREADS } from './storage-folder.js'

export interface Runs {
  readonly seed: number
  readonly numRuns: number
  /** Fewer show too little, however slow the machine is. */
  readonly minRuns: number
}

/** For the fewest runs. A failure is made smaller within it as well. */
const TIME_MS = 15_000
/** In the thread of the tests a run takes a fraction of the time: most runs are made there. */
const TIME_FOR_MORE_MS = HAS_THREADS ? 4_000 : 10_000

/** Throws when a run fails, or when the time was up before there were enough. */
export async function requireHeld<T>(
  property: IAsyncProperty<T>,
  { seed, numRuns, minRuns }: Runs
): Promise<void> {
  const check = async (parameters: Parameters<T>): Promise<number> => {
    const details = await fc.check(property, { markInterruptAsFailure: false, ...parameters })
    // To fast-check it is a failure, though of no example, to be interrupted within the first run.
    if (details.counterexample !== null) throw new Error(fc.defaultReportMessage(details))
    return details.numRuns
  }
  expect(await check({ seed, numRuns: minRuns, interruptAfterTimeLimit: TIME_MS })).toBe(minRuns)
  const more = { numRuns: numRuns - minRuns, interruptAfterTimeLimit: TIME_FOR_MORE_MS }
  await check({ seed: seed + 1, ...more })
}
