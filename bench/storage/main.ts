/**
 * How fast the storage is, next to the engine it is built on and to what else one could choose.
 * Run it with `npm run bench`; see bench/README.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environmentOf } from '../lib/environment.js'
import { benchOptions } from '../lib/options.js'
import { describeGaps, keyOf, type Measurement, runRounds } from '../lib/rounds.js'
import { chartOf } from './chart.js'
import { measureManyJobs } from './many-jobs.js'
import { measurementsOf, numbersTable, resultOf, targetsTable } from './results.js'
import { rowsOf } from './rows.js'

const CONTESTANTS = new URL('./contestants/', import.meta.url)
const PACKAGES = ['better-sqlite3', 'classic-level', 'lmdb', '@keyv/sqlite', '@deno/kv']
/** An even number: each contestant comes first as often as last. */
const options = benchOptions({ rounds: 4, extras: ['long', 'svg'] })
const rows = rowsOf(options).filter(({ title }) => title.includes(options.only))
const directory = mkdtempSync(join(tmpdir(), 'persistency-bench-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
process.once('SIGINT', () => process.exit(130))

/** A number that several rows need is taken once a round. */
const taken = new Set<string>()
const groups = rows.map((row) => measurementsOf(row, directory).filter(isNew))

// First: where many files were deleted, some file systems take long to make one.
const manyJobs = options.long ? await measureManyJobs(options.quick) : { results: [] }
const { numbers, gaps } = await runRounds(groups, options.rounds, options.quick)
const results = [...rows.map((row) => resultOf(row, numbers)), ...manyJobs.results]

if (options.json !== undefined) {
  const { quick, long, rounds } = options
  const report = {
    benchmark: 'storage',
    quick,
    long,
    rounds,
    ...environmentOf(PACKAGES, CONTESTANTS),
    results,
    gaps
  }
  writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
}
if (options.svg !== undefined) writeFileSync(options.svg, chartOf(results, options.quick))
console.log(`${numbersTable(results, gaps)}\n\n${targetsTable(results)}\n${describeGaps(gaps)}`)
if (manyJobs.reason !== undefined) console.log(`\n1000 jobs did not run: ${manyJobs.reason}`)
if (options.quick) console.log('\nA quick run shows that everything works; its numbers mean nothing.')
if (gaps.some(({ kind }) => kind === 'failed')) process.exitCode = 1

function isNew(measurement: Measurement): boolean {
  const key = keyOf(measurement)
  if (taken.has(key)) return false
  taken.add(key)
  return true
}
