/**
 * What the journal costs: `node bench/storage/journal.mjs [rows] [rounds]`, after `npm run build`. Stores puts of
 * 100 bytes with and without a journal, each trial in a fresh process, in turns. Prints JSON: puts per second, medians,
 * and the medians of the ratios within each round. The target is a ratio of 0.55, also with a limit reached all the time.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency } from 'persistency'

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
    for (const [name, measured] of Object.entries(rates)) {
      const output = execFileSync(process.execPath, [import.meta.filename, name, String(rows)])
      measured.push(Number(output))
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
    const persistency = Persistency.open(rootDir)._unsafeUnwrap()
    await put(persistency, 'warm-up', journal, Math.ceil(rows / 10))
    const milliseconds = await put(persistency, 'rows', journal, rows)
    await persistency.close()
    return Math.round((rows / milliseconds) * 1000)
  } finally {
    rmSync(rootDir, { recursive: true, force: true })
  }
}

async function put(persistency, id, journal, rows) {
  const job = (await persistency.openJob(id, { journal }))._unsafeUnwrap()
  const keys = Array.from({ length: rows }, (_, n) => key(n))
  const payload = new Uint8Array(100).fill(7)
  const from = performance.now()
  for (const each of keys) await job.persistPut('readings', each, payload)
  ;(await job.flush())._unsafeUnwrap()
  return performance.now() - from
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
