/** An engine of somebody else: whoever speaks the messages of a job is its storage, as far as it speaks them. */
import { expect, test } from '@jest/globals'
import { okAsync, ResultAsync } from 'neverthrow'
import {
  BrokerHub,
  DEFAULT_JOB_OPTIONS,
  EventBroker,
  JobFailed,
  type Key,
  KvFlush,
  KvGet,
  KvScan,
  KvVerify,
  key,
  type OpenStorage,
  PersistCommitted,
  PersistEvent,
  Persistency,
  PersistencyError,
  PersistFailed,
  RequestBroker,
  type StorageEngine,
  type TxOp,
  unwrap
} from 'persistency'
import { errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const addressOf = (category: string, key: Key): string => `${category} ${key}`

/** Keeps the rows of each job in a map. Knows puts, gets and flushes, and refuses the category "refused". */
class ToyEngine implements StorageEngine {
  readonly jobs = new Map<string, Map<string, Uint8Array>>()
  readonly told: string[] = []
  /** Ends the storage of the job that was opened last. */
  fail: OpenStorage['onFailed'] = () => {}

  open({ jobId, hub, context, onFailed }: OpenStorage): ReturnType<StorageEngine['open']> {
    const rows = this.jobs.get(jobId) ?? new Map<string, Uint8Array>()
    this.jobs.set(jobId, rows)
    const events = new EventBroker(hub, context)
    const requests = new RequestBroker(hub, context)
    const apply = (ops: readonly TxOp[]): PersistencyError | undefined => {
      for (const op of ops) {
        if (op.kind !== 'put' || op.category === 'refused')
          return new PersistencyError('ERR_STORAGE', 'a toy')
        rows.set(addressOf(op.category, op.key), op.payload)
      }
      return undefined
    }
    const listener = events.listen(PersistEvent, ({ seq, ops, bytes }) => {
      const error = apply(ops)
      if (error !== undefined) return events.emit(PersistFailed, { jobId, seq, ops, error })
      const one = { firstSeq: seq, lastSeq: seq, writes: 1, ops: ops.length }
      events.emit(PersistCommitted, { jobId, ...one, bytes, waitMs: 0, commitMs: 0 })
    })
    const providers = [
      requests.provide(KvGet, ({ category, key }) => rows.get(addressOf(category, key))),
      requests.provide(KvFlush, () => {})
    ].map((provided) => provided._unsafeUnwrap())
    this.fail = onFailed
    this.told.push(`open ${jobId}`)
    const close = (): ReturnType<StorageEngine['remove']> => {
      void listener.drop()
      for (const provider of providers) provider.remove()
      this.told.push(`close ${jobId}`)
      return okAsync(undefined)
    }
    return okAsync({ close })
  }

  remove(jobId: string): ReturnType<StorageEngine['remove']> {
    this.jobs.delete(jobId)
    this.told.push(`remove ${jobId}`)
    return okAsync(undefined)
  }

  close(): void {
    this.told.push('close')
  }
}

const toy = (): { engine: ToyEngine; hub: BrokerHub; persistency: Persistency } => {
  const engine = new ToyEngine()
  const hub = new BrokerHub()
  const parts = { rootDir: 'a box of toys', hub, engine, jobOptions: DEFAULT_JOB_OPTIONS }
  return { engine, hub, persistency: new Persistency(parts) }
}

const put = (category: string, name: string, text: string): TxOp => ({
  kind: 'put',
  category,
  key: key(name),
  payload: utf8(text)
})

test('an engine of another make stores what it is told, and answers what it provides', async () => {
  const { persistency } = toy()
  const job = await okOf(persistency.openJob('tenant'))
  expect(await okOf(job.persistAcked(put('c', 'a', 'first')))).toMatchObject({ seq: 1, ops: 1 })
  await okOf(job.persist([put('c', 'a', 'second'), put('c', 'b', 'third')]))
  await okOf(job.flush())
  expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  const read = async (name: string) => textOf(await okOf(job.get('c', key(name))))
  expect([await read('a'), await read('b'), await read('none')]).toEqual(['second', 'third', undefined])
  await okOf(persistency.close())
})

test('an engine of another make may refuse a write', async () => {
  const { hub, persistency } = toy()
  const job = await okOf(persistency.openJob('tenant'))
  const failed: number[] = []
  new EventBroker(hub, job.context).listen(PersistFailed, ({ seq }) => failed.push(seq))
  expect((await errorOf(job.persistAcked(put('refused', 'a', 'x')))).code).toBe('ERR_STORAGE')
  await okOf(job.persist(put('refused', 'a', 'x')))
  expect(await errorOf(job.flush())).toMatchObject({
    code: 'ERR_WRITES_LOST',
    cause: { code: 'ERR_STORAGE' }
  })
  expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  await okOf(persistency.close())
})

test('what an engine of another make does not provide is answered with an error', async () => {
  const { persistency } = toy()
  const job = await okOf(persistency.openJob('tenant', { journal: true }))
  const codes = await Promise.all([
    ...[job.count('c', key()), job.scan('c', key()), job.deleteAcked('c', key('a'))].map(errorOf),
    ...[job.backup('copy'), job.verify(), job.compact(), job.stats(), job.append({ type: 'e' })].map(errorOf)
  ])
  expect(codes.map(({ code }) => code)).toEqual(Array(8).fill('ERR_JOB_CLOSED'))
  expect((await errorOf(persistency.restore('other', 'copy'))).code).toBe('ERR_RESTORE')
  expect(await okOf(job.get('c', key('a')))).toBeUndefined()
  await okOf(persistency.close())
})

test('an engine of another make is told what becomes of its jobs', async () => {
  const { engine, persistency } = toy()
  const job = await okOf(persistency.openJob('kept'))
  await okOf(job.persistPut('c', key('a'), utf8('kept')))
  await okOf(job.close())
  const again = await okOf(persistency.openJob('kept'))
  expect(textOf(await okOf(again.get('c', key('a'))))).toBe('kept')
  await okOf(persistency.openJob('dropped'))
  await okOf(persistency.dropJob('dropped'))
  await okOf(persistency.dropJob('unknown'))
  expect([...persistency.jobs.keys()]).toEqual(['kept'])
  await okOf(persistency.close())
  await okOf(persistency.close())
  expect(engine.told).toEqual([
    ...['open kept', 'close kept', 'open kept'],
    ...['open dropped', 'close dropped', 'remove dropped', 'remove unknown'],
    ...['close kept', 'close']
  ])
})

test('an engine of another make may lose a storage, which is told, and open the job again', async () => {
  const { engine, hub, persistency } = toy()
  const job = await okOf(persistency.openJob('tenant'))
  const heard: string[] = []
  new EventBroker(hub, persistency.context).listen(JobFailed, ({ jobId, error }) =>
    heard.push(`${jobId}: ${error.message}`)
  )
  engine.fail(new PersistencyError('ERR_STORAGE_DIED', 'the toy broke'))
  expect(heard).toEqual(['tenant: the toy broke'])
  expect(persistency.hasJob('tenant')).toBe(false)
  expect((await errorOf(job.persistAcked(put('c', 'a', 'x')))).code).toBe('ERR_JOB_CLOSED')
  await okOf(job.close())
  const again = await okOf(persistency.openJob('tenant'))
  await okOf(again.persistAcked(put('c', 'a', 'x')))
  await okOf(persistency.close())
})

test('verify is what the engine says of the file, where it knows of no journal', async () => {
  const { hub, persistency } = toy()
  const job = await okOf(persistency.openJob('tenant'))
  const report = { ok: true, problems: [], rows: 0, durationMs: 0 }
  unwrap(new RequestBroker(hub, job.context).provide(KvVerify, () => report))
  expect(await okOf(job.verify())).toEqual(report)
  await okOf(persistency.close())
})

test('a range is watched with an engine that knows of no journal', async () => {
  const { hub, persistency } = toy()
  const job = await okOf(persistency.openJob('tenant'))
  const found = { key: key('a'), payload: utf8('found') }
  unwrap(new RequestBroker(hub, job.context).provide(KvScan, () => ({ rows: [found], more: false })))
  const watching = job.watch('c', key(), { initial: true })[Symbol.asyncIterator]()
  expect((await watching.next()).value).toEqual({ kind: 'initial', rows: [found] })
  const change = put('c', 'b', 'new')
  const half = [put('c', 'b', 'half'), put('refused', 'b', 'half')]
  expect((await errorOf(job.persistAcked(half))).code).toBe('ERR_STORAGE')
  await okOf(job.persistAcked(change))
  expect((await watching.next()).value).toMatchObject({ kind: 'changes', changes: [change] })
  await okOf(job.close())
  expect((await watching.next()).done).toBe(true)
  const late = job.watch('c', key())[Symbol.asyncIterator]()
  await expect(late.next()).rejects.toMatchObject({ code: 'ERR_JOB_CLOSED' })
  await okOf(persistency.close())
})

test('a job is not opened while a restore reads from its file, nor restored from while it is open', async () => {
  const told: string[] = []
  let restored = (): void => {}
  class Restoring extends ToyEngine {
    override open(request: OpenStorage): ReturnType<StorageEngine['open']> {
      told.push(`open ${request.jobId}`)
      return super.open(request)
    }
    jobsAt(path: string): string[] {
      return path.endsWith('a.db') ? ['a'] : []
    }
    restore(jobId: string, path: string): ResultAsync<void, PersistencyError> {
      told.push(`restore ${jobId} from ${path}`)
      return ResultAsync.fromSafePromise(
        new Promise<void>((resolve) => {
          restored = resolve
        })
      )
    }
  }
  const parts = { rootDir: 'toys', hub: new BrokerHub(), jobOptions: DEFAULT_JOB_OPTIONS }
  const persistency = new Persistency({ ...parts, engine: new Restoring() })
  const restoring = persistency.restore('b', '/a.db')
  const [a, b, c] = ['a', 'b', 'c'].map((id) => okOf(persistency.openJob(id)))
  await c
  expect(told).toEqual(['restore b from /a.db', 'open c'])
  restored()
  await okOf(restoring)
  await Promise.all([a, b])
  expect(told.slice(2)).toEqual(['open a', 'open b'])
  expect((await errorOf(persistency.restore('d', '/a.db'))).code).toBe('ERR_JOB_IN_USE')
  await okOf(persistency.close())
})

test.each([
  ['undefined', undefined],
  ['the string "data"', 'data'],
  ['an object', { rootDir: 'data', journal: true }]
])('new Persistency leads to open when it gets %s in place of an engine', (got, parts) => {
  expect(() => new Persistency(parts as never)).toThrow(
    new TypeError(
      `new Persistency takes a hub, an engine and job options; got ${got}. Call Persistency.open(rootDir) instead`
    )
  )
})
