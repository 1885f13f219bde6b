/** Tries properties that take long: as often as there is time for. */
import { expect } from '@jest/globals'
import fc, { type IAsyncProperty } from 'fast-check'

export interface Runs {
  readonly seed: number
  readonly numRuns: number
  /** Fewer show too little, however slow the machine is. */
  readonly minRuns: number
}

/** Throws when a run fails, or when the time was up before there were enough. */
export async function requireHeld<T>(
  property: IAsyncProperty<T>,
  { seed, numRuns, minRuns }: Runs
): Promise<void> {
  const limits = { interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false }
  const details = await fc.check(property, { seed, numRuns, ...limits })
  if (details.failed) throw new Error(fc.defaultReportMessage(details))
  expect(details.numRuns).toBeGreaterThanOrEqual(minRuns)
}
