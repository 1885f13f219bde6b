/**
 * How fast the brokers are, in one thread and across two, and how that compares with others that do the same work.
 * Run `npm run build` first, then `node --import tsx bench/brokers/main.ts`; see bench/README.md.
 */
import { writeFileSync } from 'node:fs'
import { environmentOf } from '../lib/environment.js'
import { benchOptions } from '../lib/options.js'
import { describeGaps, keyOf, type Measurement, runRounds } from '../lib/rounds.js'
import { measurementsOf, resultOf, resultTable } from './results.js'
import { ROWS } from './rows.js'

const PACKAGES = ['comlink', 'piscina', 'emittery', '@nestjs/cqrs']
/** An even number: each contestant comes first as often as last. */
const { rounds, quick, json, only } = benchOptions({ rounds: 4, extras: [] })
const rows = ROWS.filter(({ title }) => title.includes(only))

/** Rows that share the numbers of others are measured with them, so that each number is taken once a round. */
const groups = new Map<string, Map<string, Measurement>>()
for (const row of rows) {
  const name = row.theirs ?? row.measure
  const group = groups.get(name) ?? new Map<string, Measurement>()
  for (const measurement of measurementsOf(row)) group.set(keyOf(measurement), measurement)
  groups.set(name, group)
}

const { numbers, gaps } = await runRounds(
  [...groups.values()].map((group) => [...group.values()]),
  rounds,
  quick
)
const results = rows.map((row) => resultOf(row, numbers))
if (json !== undefined) {
  const report = {
    benchmark: 'brokers',
    quick,
    rounds,
    ...environmentOf(PACKAGES, import.meta.url),
    results,
    gaps
  }
  writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`)
}
console.log(resultTable(results) + describeGaps(gaps))
if (gaps.length > 0) process.exitCode = 1
if (quick) console.log('\nA quick run shows that everything works; its numbers mean nothing.')
