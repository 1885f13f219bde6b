import { expect, test } from '@jest/globals'
import { EventBroker, key, PersistCommitted, PersistFailed, type TxOp } from 'persistency'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute, refusePayload, rowsIn, withDatabase } from '../support/storage-sqlite.js'

const storage = useStorage()

const put = (name: string, text = name): TxOp => ({
  kind: 'put',
  category: 'c',
  key: key(name),
  payload: utf8(text)
})
const remove = (name: string): TxOp => ({ kind: 'delete', category: 'c', key: key(name) })
const BAD = utf8('bad')

test('the operations of a batch apply in their order', async () => {
  const { job } = await storage.open()
  const wipe: TxOp = { kind: 'deletePrefix', category: 'c', prefix: keyOf() }
  await okOf(job.persist([put('a'), remove('a'), put('b', '1'), put('b', '2'), put('x'), wipe, put('d')]))
  const rows = await okOf(job.scan('c', keyOf()))
  expect(rows.map((row) => textOf(row.payload))).toEqual(['d'])
})

test('a batch over several categories is one transaction', async () => {
  const { job, file } = await storage.open()
  refusePayload(file, BAD, 'ABORT')
  const other: TxOp = { kind: 'put', category: 'other', key: key('a'), payload: utf8('x') }
  const failed = await errorOf(job.persistAcked([other, put('a'), put('b', 'bad'), put('d')]))
  expect(failed).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_CONSTRAINT_TRIGGER' })
  expect(failed.message).toContain(file)
  await job.close()
  expect(rowsIn(file)).toEqual([])
})

test('a failing batch takes back what it changed before it failed', async () => {
  const { job, file } = await storage.open()
  await okOf(job.persist([put('a', 'old'), put('b', 'old')]))
  await okOf(job.flush())
  refusePayload(file, BAD, 'ABORT')
  const wipe: TxOp = { kind: 'deletePrefix', category: 'c', prefix: keyOf() }
  await errorOf(job.persistAcked([put('a', 'new'), wipe, put('e', 'bad')]))
  const rows = await okOf(job.scan('c', keyOf()))
  expect(rows.map((row) => textOf(row.payload))).toEqual(['old', 'old'])
})

test('an empty batch is accepted, changes nothing and counts as no write', async () => {
  const { job } = await storage.open()
  await okOf(job.persist([]))
  expect(await okOf(job.persistAcked([]))).toMatchObject({ ops: 0 })
  expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  expect(await okOf(job.persistAcked(put('a')))).toEqual({ seq: 1, ops: 1 })
})

// ABORT undoes one statement, ROLLBACK takes the transaction of everybody with it, so that each write is tried alone.
test.each(['ABORT', 'ROLLBACK'] as const)(
  'a write that fails with %s fails alone, and reads beside it answer what is stored',
  async (how) => {
    const { job, file } = await storage.open()
    refusePayload(file, BAD, how)
    await okOf(job.persistAcked([put('gone'), put('gone too')]))
    const [a, deleted, before, bad, deletedAfter, after, badBatch, c, count, last] = await Promise.all([
      job.persistAcked(put('a')),
      job.deleteAcked('c', key('gone')),
      job.get('c', key('a')),
      job.persistAcked(put('a', 'bad')),
      job.deleteAcked('c', key('gone too')),
      job.get('c', key('a')),
      job.persistAcked([put('a', 'changed'), put('b', 'bad')]),
      job.persistAcked([put('c'), put('d')]),
      job.count('c', keyOf()),
      job.get('c', key('a'))
    ])
    expect([a.isOk(), bad.isOk(), badBatch.isOk(), c.isOk()]).toEqual([true, false, false, true])
    expect([deleted, deletedAfter].map((answer) => answer._unsafeUnwrap())).toEqual([true, true])
    expect([before, after, last].map((read) => textOf(read._unsafeUnwrap()))).toEqual(['a', 'a', 'a'])
    expect(count._unsafeUnwrap()).toBe(3)
    await job.close()
    expect(rowsIn(file)).toHaveLength(3)
  }
)

test.each(['ABORT', 'ROLLBACK'] as const)(
  'each write is reported once when one of them fails with %s',
  async (how) => {
    const { job, file } = await storage.open()
    refusePayload(file, BAD, how)
    const events = new EventBroker(undefined, job.context)
    const log: string[] = []
    let committed = 0
    events.listen(PersistFailed, ({ seq, ops, error }) => {
      log.push(`failed ${seq} ${ops.length} ${error.code}`)
    })
    events.listen(PersistCommitted, ({ writes }) => {
      committed += writes
    })
    for (const name of ['a', 'b', 'bad', 'd', 'bad', 'f']) void job.persist(put(name, name))
    expect((await errorOf(job.flush())).code).toBe('ERR_WRITES_LOST')
    expect(log).toEqual(['failed 3 1 ERR_STORAGE', 'failed 5 1 ERR_STORAGE'])
    expect(committed).toBe(4)
    expect(await okOf(job.count('c', keyOf()))).toBe(4)
  }
)

test('a statement that fails half way through its rows leaves none of its changes', async () => {
  const { job, file } = await storage.open()
  await okOf(job.persist([put('a'), put('b'), put('keep'), put('z')]))
  await okOf(job.flush())
  execute(
    file,
    `CREATE TRIGGER keep BEFORE DELETE ON kv WHEN OLD.payload = CAST('keep' AS BLOB)
     BEGIN SELECT RAISE(FAIL, 'kept'); END`
  )
  const failed = await errorOf(job.persistAcked({ kind: 'deletePrefix', category: 'c', prefix: keyOf() }))
  expect(failed.message).toContain('kept')
  expect(await okOf(job.count('c', keyOf()))).toBe(4)
})

test('writes that follow a lost transaction are committed', async () => {
  const { job, file } = await storage.open()
  refusePayload(file, BAD, 'ROLLBACK')
  await errorOf(job.persistAcked(put('bad')))
  for (const name of ['a', 'b']) await okOf(job.persistAcked(put(name)))
  // A second connection sees only what is committed.
  expect(rowsIn(file)).toHaveLength(2)
})

test('when the disk is full, writes fail with its code, rows stay readable, and what was committed is stored', async () => {
  const folder = storage.folder()
  // The limit on the size of a file stands for a full disk: both make the write to the log fail.
  const source = `
    const { Persistency, key } = persistency
    const owner = Persistency.open(root)._unsafeUnwrap()
    const job = (await owner.openJob('tenant'))._unsafeUnwrap()
    const op = (n) => ({ kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(20_000) })
    const answers = []
    for (let n = 0; n < 100; n++) answers.push(await job.persistAcked([op(n), op(n + 1000)]))
    const stored = answers.flatMap((answer, n) => (answer.isOk() ? [n] : []))
    const codes = [...new Set(answers.flatMap((answer) => (answer.isErr() ? [answer.error.backendCode] : [])))]
    const readable = (await job.get('c', key(stored[0])))._unsafeUnwrap()?.length
    console.log(JSON.stringify({ stored, codes, readable, closed: (await owner.close()).isOk() }))`
  const { stdout, stderr } = await runProgram(folder, source, { maxFileKib: 1024 })
  const told = JSON.parse(stdout || JSON.stringify({ stderr })) as { stored: number[]; codes: string[] }
  expect(told).toMatchObject({ readable: 20_000, closed: true })
  expect(told.codes.length).toBeGreaterThan(0)
  for (const code of told.codes) expect(code).toMatch(/^SQLITE_(FULL|IOERR)/)
  expect(told.stored.length).toBeGreaterThan(5)
  const inFile = withDatabase(`${folder}/tenant.db`, (db) => ({
    check: db.pragma('integrity_check', { simple: true }),
    rows: db.prepare('SELECT count(*) FROM kv').pluck().get()
  }))
  expect(inFile).toEqual({ check: 'ok', rows: told.stored.length * 2 })
})
