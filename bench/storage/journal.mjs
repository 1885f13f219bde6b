/**
 * What the journal costs: `node bench/storage/journal.mjs [rows] [rounds]`, after `npm run build`. Stores puts of
 * 100 bytes with and without a journal, each trial in a fresh process, in turns. Prints JSON: puts per second, medians,
 * and the medians of the ratios within each round. The target is a ratio of 0.55, also with a limit reached all the time.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency, unwrap } from 'persistency'

const TRIALS = {
  without: false,
  withJournal: true,
  withLimit: { maxEvents: 10_000 }
}

const [first, second] = process.argv.slice(2)
if (first in TRIALS) console.log(await putsPerSecond(TRIALS[first], Number(second)))
else compare(Number(first ?? 300_000), Number(second ?? 5))

function compare(rows, rounds) {
  const rates = Object.fromEntries(Object.keys(TRIALS).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const names = Object.keys(TRIALS)
    for (const name of round % 2 === 0 ? names : names.reverse()) {
      const output = execFileSync(process.execPath, [import.meta.filename, name, String(rows)])
      rates[name].push(Number(output))
    }
  }
  const of = (name) => median(rates[name].map((rate, round) => rate / rates.without[round]))
  console.log(
    JSON.stringify({
      ...{ rows, rounds },
      ...Object.fromEntries(Object.entries(rates).map(([name, measured]) => [name, median(measured)])),
      ...{ ratio: of('withJournal'), limitRatio: of('withLimit') }
    })
  )
}

async function putsPerSecond(journal, rows) {
  const rootDir = mkdtempSync(join(tmpdir(), 'journal-'))
  try {
    const persistency = unwrap(Persistency.open(rootDir))
    const job = await unwrap(persistency.openJob('rows', { journal }))
    // The warm-up is in the same job: its thread has a compiler of its own.
    await put(job, 0, rows)
    const milliseconds = await put(job, rows, rows)
    if ((await unwrap(job.count('readings', key()))) !== 2 * rows) throw new Error('rows are missing')
    await persistency.close()
    return Math.round((rows / milliseconds) * 1000)
  } finally {
    rmSync(rootDir, { recursive: true, force: true })
  }
}

async function put(job, start, rows) {
  const keys = Array.from({ length: rows }, (_, n) => key(start + n))
  const payload = new Uint8Array(100).fill(7)
  const from = performance.now()
  for (const each of keys) await job.persistPut('readings', each, payload)
  await unwrap(job.flush())
  return performance.now() - from
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
