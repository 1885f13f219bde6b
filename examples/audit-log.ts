// An audit log with time travel: who changed what and when, what it was before, and the state as of any change.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { err } from 'neverthrow'
import { int64, type Job, key, Persistency, retryOnConflict, unwrap } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'audit-log-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('stock', { journal: true }))

const lamps = key('lamps')
const stockOf = (view: Pick<Job, 'getDecoded'>) =>
  view.getDecoded('stock', lamps, int64).map((pieces) => pieces ?? 0n)

// The event and the row it changes are stored together, or not at all.
const setStock = (pieces: number, who: string) =>
  job.append(
    { type: 'stock-set', data: int64.encode(pieces), metadata: { who } },
    {
      stream: 'lamps',
      ops: { kind: 'put', category: 'stock', key: lamps, payload: int64.encode(pieces) }
    }
  )

await setStock(10, 'ada')
await setStock(3, 'bob')
const last = await setStock(7, 'cleo')
console.log(last.match(({ lastSeq }) => `the last change is event ${lastSeq}`, String))

// What happened, from the first event on.
for await (const event of job.events({ stream: 'lamps' })) {
  if (event.kind !== 'event') continue
  const before = (await stockOf(job.at(event.seq - 1))).unwrapOr(0n)
  console.log(`${event.seq}: ${event.metadata['who']} set ${before} to ${int64.decode(event.data)}`)
}

// The state as of any event; writes go on meanwhile.
console.log(`as of event 2: ${(await stockOf(job.at(2))).unwrapOr(0n)} lamps`)

// Two sales at the same time: each checks that nobody was faster, and tries again if so.
const sell = () =>
  retryOnConflict(async () => {
    const before = await job.get('stock', lamps)
    if (before.isErr()) return err(before.error)
    const pieces = before.value === undefined ? 0n : int64.decode(before.value)
    if (pieces === 0n) return err({ kind: 'soldOut' } as const)
    return job.append(
      { type: 'sold', metadata: { who: 'dora' } },
      {
        ops: [
          { kind: 'check', category: 'stock', key: lamps, equals: before.value },
          { kind: 'put', category: 'stock', key: lamps, payload: int64.encode(pieces - 1n) }
        ]
      }
    )
  })
await Promise.all([sell(), sell()])
console.log(`now: ${(await stockOf(job)).unwrapOr(0n)} lamps`)

// Nothing has passed the log by.
const compared = await job.compareWithJournal()
console.log(compared.match(({ rows, differing }) => `${rows} row, ${differing} not as the log says`, String))

await persistency.close()
rmSync(rootDir, { recursive: true })
