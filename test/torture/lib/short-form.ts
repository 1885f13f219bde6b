/** Owns the short form: a scenario as a test of jest. */
import { expect, test } from '@jest/globals'
import { describeOutcome, runScenario } from './run-scenario.js'
import type { Scenario } from './scenario.js'

/** Set PERSISTENCY_SEED to do the same again. */
const seed = Number(process.env['PERSISTENCY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

export function testShortForm(...scenarios: readonly Scenario[]): void {
  for (const scenario of scenarios) {
    test(`${scenario.name}: ${scenario.promise} (seed ${seed})`, async () => {
      const outcome = await runScenario(scenario, { form: 'short', seed })
      const told = describeOutcome(outcome, seed).join('\n')
      if (outcome.skipped.size > 0) console.log(told)
      if (outcome.failures.length > 0) throw new Error(told)
      expect(outcome.rounds).toBe(scenario.rounds.short)
    }, 120_000)
  }
}
