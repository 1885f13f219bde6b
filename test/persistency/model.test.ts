import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Job, type Key, type KeyRange, type KvRow, prefixRange, rawKey, type TxOp } from 'persistency'
import { requireHeld } from '../support/properties.js'
import { useStorage } from '../support/storage-folder.js'
import { SortedModel } from '../support/storage-model.js'
import { hexOf, okOf } from '../support/storage-results.js'
import { rowsIn } from '../support/storage-sqlite.js'

const storage = useStorage()

/** Set PERSISTENCY_SEED to run the sequences of a failed run again. */
const seed = Number(process.env['PERSISTENCY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** A job and what it must hold. */
interface System {
  readonly model: SortedModel
  job: Job
  reopen(): Promise<void>
}

type Step = (system: System) => Promise<void>
/** One thing to do; prints itself when a sequence fails. */
interface Command {
  readonly run: Step
  toString(): string
}

const command = (name: string, details: unknown, run: Step): Command => ({
  run,
  toString: () => `${name}(${JSON.stringify(details)})`
})

// Few keys that are prefixes of each other, with the bytes at which orders and prefixes go wrong.
const anyKey = fc
  .array(fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff), { maxLength: 3 })
  .map((bytes): Key => rawKey(Uint8Array.from(bytes)))
const anyCategory = fc.constantFrom('', 'a', 'aa', 'ä')
const anyPayload = fc.uint8Array({ maxLength: 4 })
const anyRange: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.record({ start: anyKey }),
  fc.record({ start: anyKey, stop: anyKey }),
  anyKey.map(prefixRange)
)
const anyScan = fc.record(
  { reverse: fc.boolean(), limit: fc.nat({ max: 5 }), keysOnly: fc.boolean() },
  { requiredKeys: [] }
)

const anyOp: fc.Arbitrary<TxOp> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      category: anyCategory,
      key: anyKey,
      payload: anyPayload
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), category: anyCategory, key: anyKey })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deletePrefix' as const),
      category: anyCategory,
      prefix: anyKey
    })
  }
)

/** Writes, some awaited and some not: what follows must see them either way. */
const write = fc.tuple(fc.array(anyOp, { maxLength: 6 }), fc.boolean()).map(([ops, awaited]) =>
  command('persist', { ops, awaited }, async ({ job, model }) => {
    const accepted = ops.length === 1 ? job.persist(ops[0] as TxOp) : job.persist(ops)
    model.apply(ops)
    if (awaited) await okOf(accepted)
  })
)

const acked = fc.array(anyOp, { minLength: 1, maxLength: 3 }).map((ops) =>
  command('persistAcked', ops, async ({ job, model }) => {
    model.apply(ops)
    expect(await okOf(job.persistAcked(ops))).toMatchObject({ ops: ops.length })
  })
)

const deleteAcked = fc.record({ category: anyCategory, key: anyKey }).map((at) =>
  command('deleteAcked', at, async ({ job, model }) => {
    const was = model.get(at.category, at.key) !== undefined
    model.apply([{ kind: 'delete', ...at }])
    expect(await okOf(job.deleteAcked(at.category, at.key))).toBe(was)
  })
)

const get = fc.record({ category: anyCategory, key: anyKey }).map((at) =>
  command('get', at, async ({ job, model }) => {
    const expected = model.get(at.category, at.key)
    const [payload, exists, many] = await Promise.all([
      okOf(job.get(at.category, at.key)),
      okOf(job.exists(at.category, at.key)),
      okOf(job.getMany(at.category, [at.key, at.key]))
    ])
    expect([payload, exists, many]).toEqual([expected, expected !== undefined, [expected, expected]])
  })
)

const shown = (rows: readonly KvRow[]): string[] =>
  rows.map(({ key, payload }) => `${hexOf(key.bytes)}=${hexOf(payload)}`)

const scan = fc.record({ category: anyCategory, range: anyRange, options: anyScan }).map((query) =>
  command('scan', query, async ({ job, model }) => {
    const { category, range, options } = query
    const expected = model.scan(category, range, options)
    const all = model.scan(category, range)
    const [rows, count] = await Promise.all([
      okOf(job.scan(category, range, options)),
      okOf(job.count(category, range))
    ])
    expect([shown(rows), count]).toEqual([shown(expected), all.length])
  })
)

const stream = fc
  .record({
    category: anyCategory,
    range: anyRange,
    options: anyScan,
    pageSize: fc.integer({ min: 1, max: 4 })
  })
  .map((query) =>
    command('stream', query, async ({ job, model }) => {
      const { category, range, options, pageSize } = query
      const expected = model.scan(category, range, options)
      const rows: KvRow[] = []
      for await (const row of job.stream(category, range, { ...options, pageSize })) rows.push(row)
      expect(shown(rows)).toEqual(shown(expected))
    })
  )

const flush = fc.boolean().map((durable) =>
  command('flush', { durable }, async ({ job }) => {
    await okOf(job.flush({ durable }))
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  })
)

const reopen = fc.constant(command('reopen', {}, (system) => system.reopen()))

const anySequence = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: write },
    { weight: 2, arbitrary: acked },
    { weight: 4, arbitrary: deleteAcked },
    { weight: 6, arbitrary: get },
    { weight: 6, arbitrary: scan },
    { weight: 3, arbitrary: stream },
    { weight: 1, arbitrary: flush },
    { weight: 1, arbitrary: reopen }
  ),
  { minLength: 10, maxLength: 60 }
)

test.each([
  ['with room for everything', {}],
  ['that waits for room', { maxQueueOps: 3 }]
])(`a job %s holds what a sorted map holds (seed ${seed})`, async (_, options) => {
  const runs = fc.asyncProperty(anySequence, async (sequence) => {
    const { job, file, persistency } = await storage.open(options)
    const system: System = {
      job,
      model: new SortedModel(),
      async reopen() {
        await okOf(this.job.close())
        this.job = await okOf(persistency.openJob('tenant', options))
      }
    }
    for (const { run } of sequence) await run(system)
    await okOf(persistency.close())
    const stored = rowsIn(file).map(({ category, key, payload }) => `${category} ${key}=${payload}`)
    expect(stored).toEqual(system.model.rows())
  })
  await requireHeld(runs, { seed, numRuns: 30, minRuns: 5 })
})
