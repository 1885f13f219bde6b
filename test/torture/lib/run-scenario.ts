/** Owns running a scenario: rounds in order, each with its own chance and folder, and an account of what came of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Random } from './random.js'
import type { Round, Scenario } from './scenario.js'

export interface RunOptions {
  readonly form: Round['form']
  readonly seed: number
  /** The first round; for repeating one that failed. */
  readonly from?: number
  readonly rounds?: number
  /** Ends after the round in which this time is up. */
  readonly limitMs?: number
  /** Told before each round. */
  readonly onRound?: (done: number, of: number) => void
}

export interface Failure {
  readonly round: number
  readonly error: unknown
  /** What the round left behind. */
  readonly folder: string
}

export interface Outcome {
  readonly name: string
  readonly rounds: number
  readonly tookMs: number
  readonly counts: ReadonlyMap<string, number>
  readonly figures: ReadonlyMap<string, string>
  readonly skipped: ReadonlySet<string>
  readonly failures: readonly Failure[]
}

/** A scenario that is broken will break again: it is given up after so many failures. */
const MAX_FAILURES = 20

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Outcome> {
  const { form, seed, from = 0, rounds = scenario.rounds[form], limitMs = Number.POSITIVE_INFINITY } = options
  const started = performance.now()
  const counts = new Map<string, number>()
  const figures = new Map<string, { value: number; unit: string }>()
  const skipped = new Set<string>()
  const failures: Failure[] = []
  let done = 0
  while (done < rounds && failures.length < MAX_FAILURES && performance.now() - started < limitMs) {
    options.onRound?.(done, rounds)
    const index = from + done
    const folder = mkdtempSync(join(tmpdir(), `torture-${scenario.name.replace(/\W+/g, '-')}-`))
    try {
      await scenario.round({
        index,
        form,
        random: new Random(`${seed} ${scenario.name} ${index}`),
        folder,
        count: (what, by = 1) => void counts.set(what, (counts.get(what) ?? 0) + by),
        figure(what, value, unit) {
          figures.set(what, { value: Math.max(value, figures.get(what)?.value ?? value), unit })
        },
        skip: (why) => void skipped.add(why)
      })
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    } catch (error) {
      failures.push({ round: index, error, folder })
    }
    done++
  }
  return {
    name: scenario.name,
    rounds: done,
    tookMs: performance.now() - started,
    counts,
    figures: new Map([...figures].map(([what, { value, unit }]) => [what, `${rounded(value)} ${unit}`])),
    skipped,
    failures
  }
}

/** What a person should read of an outcome, line by line. */
export function describeOutcome(outcome: Outcome, seed: number): string[] {
  const { name, rounds, tookMs, counts, figures, skipped, failures } = outcome
  const verdict = failures.length === 0 ? 'held' : `BROKEN ${failures.length} times`
  const lines = [`${name}: ${verdict} in ${rounds} rounds, ${(tookMs / 1000).toFixed(1)} s`]
  const tried = [...counts].map(([what, count]) => `${count} ${what}`)
  if (tried.length > 0) lines.push(`  tried: ${tried.join(', ')}`)
  for (const [what, value] of figures) lines.push(`  ${what}: ${value}`)
  for (const why of skipped) lines.push(`  skipped: ${why}`)
  for (const { round, error, folder } of failures) {
    lines.push(`  round ${round}: ${inspect(error)}`)
    lines.push(`    left in ${folder}`)
    lines.push(`    again: npm run torture -- --only ${name} --seed ${seed} --from ${round} --rounds 1`)
  }
  return lines
}

function rounded(value: number): string {
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3)
}
