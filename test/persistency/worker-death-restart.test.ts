import { describe, expect, it } from '@jest/globals'
import { key } from 'persistency'
import { runScript, type ScriptResult } from '../support/run-script.js'
import { THREADS, useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'
import { withDatabase } from '../support/storage-sqlite.js'

/** Opens a job with `restart`, whose storage threads are at hand, to be killed. */
const PRELUDE = `
import { Persistency, EventBroker, RequestBroker, PersistAgain, PersistEvent, PersistCommitted, WritesSettled, PersistFailed, JobFailed, JobRestarted } from 'persistency'
import { KvDelete, defineProjection, int64, jsonEvents, key, prefixRange } from 'persistency'
import { subscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
const root = mkdtempSync(join(tmpdir(), 'persistency-restart-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
const workers = []
process.on('worker', (worker) => workers.push(worker))
const persistency = Persistency.open({ rootDir: root, ...${JSON.stringify(THREADS)} })._unsafeUnwrap()
const openJob = async (id, options) => (await persistency.openJob(id, { restart: true, requestTimeoutMs: 15_000, ...options }))._unsafeUnwrap()
const okOf = async (answer) => (await answer)._unsafeUnwrap()
const codeOf = async (answer) => (await answer).match(() => 'ok', (error) => error.code)
const once = (job, event) => new Promise((resolve) => new EventBroker().in(job.context).on(event).subscribe(resolve))
const bytes = (n) => new Uint8Array([n >> 8, n & 255])
const valueOf = (read) => read.value && read.value[0] * 256 + read.value[1]
const put = (n, category = 'c') => ({ kind: 'put', category, key: key(n), payload: bytes(n) })
const counted = (from, to) => [
  { kind: 'check', category: 'n', key: key(), equals: from === undefined ? undefined : bytes(from) },
  { kind: 'put', category: 'n', key: key(), payload: bytes(to) }
]
const print = (value) => console.log(JSON.stringify(value))
// An idle storage thread keeps no process alive, and here one may die idle.
const awake = setInterval(() => {}, 1000)
const end = async () => { await persistency.close(); clearInterval(awake) }
`

async function run(body: string): Promise<ScriptResult> {
  const result = await runScript(`${PRELUDE}\n${body}`)
  if (result.code !== 0) throw new Error(`ended with code ${result.code}\n${result.stderr}\n${result.stdout}`)
  return result
}

const { open, owner } = useStorage()

describe('a job with restart, when its thread dies', () => {
  it('acknowledges what was written, answers what was asked, and goes on', async () => {
    const { output, stderr } = await run(`
      const job = await openJob('tenant')
      const seen = [], told = []
      new EventBroker().in(job.context).on(PersistEvent).subscribe(({ seq }) => seen.push(seq))
      new EventBroker().in(job.context).on(JobRestarted).subscribe((event) => told.push(event))
      new EventBroker().in(persistency.context).on(JobRestarted).subscribe((event) => told.push(event))
      subscribe('persistency:job:restarted', (event) => told.push(event))
      await okOf(job.persistAcked(counted(undefined, 1)))
      job.persist(counted(1, 2))
      const calls = [job.persistAcked(counted(2, 3)), job.get('n', key()), job.flush(), job.scan('n', key())]
      workers[0].terminate()
      const restarted = once(job, JobRestarted)
      const settled = await Promise.all(calls)
      await restarted
      const after = await job.persistAcked(counted(3, 4))
      print({
        ok: settled.map((result) => result.isOk()), seq: settled[0].value.seq, read: valueOf(settled[1]), after: after.value,
        seen, running: job.running, queued: job.queued,
        told: told.map(({ jobId, error, resent, downMs }) => [jobId, error.code, resent <= 2, downMs > 0]),
      })
      await end()
    `)
    expect(stderr).toBe('')
    expect(output).toEqual({
      ok: [true, true, true, true],
      seq: 3,
      read: 3,
      after: { seq: 4, ops: 2 },
      seen: [1, 2, 3, 4],
      running: true,
      queued: { bytes: 0, ops: 0 },
      told: Array.from({ length: 3 }, () => ['tenant', 'ERR_STORAGE_DIED', true, true])
    })
  })

  it('keeps the place of calls that are made while nothing is served', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      const gone = new Promise((resolve) => workers[0].once('exit', resolve))
      workers[0].terminate()
      await gone
      // Nothing has been sent anywhere yet.
      const reads = []
      for (let n = 1; n <= 5; n++) {
        job.persist(put(n))
        reads.push(job.count('c', key()))
      }
      const removed = job.deleteAcked('c', key(3))
      const late = job.count('c', key(), { timeoutMs: 1 })
      print({
        reads: (await Promise.all(reads)).map(({ value }) => value), removed: await okOf(removed),
        left: await okOf(job.count('c', key())), late: ['ok', 'ERR_TIMEOUT'].includes(await codeOf(late)),
      })
      await end()
    `)
    expect(output).toEqual({ reads: [1, 2, 3, 4, 5], removed: true, left: 4, late: true })
  })

  it('sends what was accepted, whatever its caller has done to the bytes since', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      const gone = new Promise((resolve) => workers[0].once('exit', resolve))
      workers[0].terminate()
      const payload = bytes(7)
      await job.persist([{ kind: 'check', category: 'c', key: key(2) }, { kind: 'put', category: 'c', key: key(1), payload }])
      payload.fill(0)
      await gone
      print(valueOf(await job.get('c', key(1))))
      await end()
    `)
    expect(output).toBe(7)
  })

  it('still takes what a listener writes behind what it hears of', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      const last = (n) => ({ kind: 'put', category: 'last', key: key(), payload: bytes(n) })
      new EventBroker().in(job.context).listen(PersistEvent, ({ ops: [op] }) => {
        if (op.payload[1] === 1) job.persist(last(2))
      })
      const restarted = once(job, JobRestarted)
      workers[0].terminate()
      await restarted
      const acked = await codeOf(job.persistAcked(last(1)))
      await okOf(job.flush())
      print({ acked, value: valueOf(await job.get('last', key())), queued: job.queued.ops, closed: await codeOf(job.close()) })
      await end()
    `)
    expect(output).toEqual({ acked: 'ok', value: 2, queued: 0, closed: 'ok' })
  })

  it('keeps to the limits of its queue meanwhile', async () => {
    const { output } = await run(`
      const waiting = await openJob('waiting', { maxQueueOps: 2 })
      const refusing = await openJob('refusing', { maxQueueOps: 2, whenFull: 'refuse' })
      const gone = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
      for (const worker of workers) worker.terminate()
      await Promise.all(gone)
      const refused = await Promise.all([1, 2, 3].map((n) => codeOf(refusing.persist(put(n)))))
      const writes = [1, 2, 3, 4, 5].map((n) => waiting.persist(put(n)))
      const read = waiting.count('c', key())
      const held = waiting.queued.ops
      await Promise.all(writes)
      print({ refused, held, read: await okOf(read), rows: await okOf(refusing.count('c', key())) })
      await end()
    `)
    expect(output).toEqual({ refused: ['ok', 'ok', 'ERR_OVERLOADED'], held: 2, read: 5, rows: 2 })
  })

  it('finishes a closing on the next thread', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      for (let n = 1; n <= 2000; n++) job.persist(counted(n === 1 ? undefined : n - 1, n))
      const failed = []
      new EventBroker().in(job.context).on(PersistFailed).subscribe(({ seq }) => failed.push(seq))
      const closing = job.close()
      workers[0].terminate()
      const closed = await codeOf(closing)
      const again = await openJob('tenant')
      print({ closed, failed, value: valueOf(await again.get('n', key())) })
      await end()
    `)
    expect(output).toEqual({ closed: 'ok', failed: [], value: 2000 })
  })

  it('finishes a closing of which everything is stored, and that is told of or not', async () => {
    const { output } = await run(`
      const closed = new Set()
      for (let round = 0; round < 6; round++) {
        const job = await openJob('tenant' + round)
        new EventBroker().in(job.context).listen(PersistCommitted, ({ lastSeq }) => {
          if (lastSeq === 20) setTimeout(() => workers.at(-1).terminate(), round)
        })
        for (let n = 1; n <= 20; n++) job.persist(put(n))
        closed.add(await codeOf(job.close()))
      }
      print([...closed])
      await end()
    `)
    expect(output).toEqual(['ok'])
  })

  it('finishes the closing of the whole persistency', async () => {
    const { output } = await run(`
      const jobs = await Promise.all(['a', 'b', 'c'].map((id) => openJob(id)))
      for (const job of jobs) for (let n = 1; n <= 500; n++) job.persist(counted(n === 1 ? undefined : n - 1, n))
      const closing = persistency.close()
      for (const worker of workers) worker.terminate()
      const closed = await codeOf(closing)
      const again = Persistency.open(root)._unsafeUnwrap()
      const values = []
      for (const id of ['a', 'b', 'c']) values.push(valueOf(await (await okOf(again.openJob(id))).get('n', key())))
      print({ closed, values })
      await again.close()
      clearInterval(awake)
    `)
    expect(output).toEqual({ closed: 'ok', values: [500, 500, 500] })
  })

  it('does not make a file anew that has gone', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      await okOf(job.persistAcked(put(1)))
      new EventBroker().in(job.context).on(PersistFailed).subscribe(() => {})
      const gone = new Promise((resolve) => workers[0].once('exit', resolve))
      const failed = once(job, JobFailed)
      workers[0].terminate()
      rmSync(root, { recursive: true })
      const write = job.persistAcked(put(2))
      print({ write: await codeOf(write), why: (await failed).error.cause.code, running: job.running })
      await end()
    `)
    expect(output).toEqual({ write: 'ERR_STORAGE_DIED', why: 'ERR_OPEN', running: false })
  })

  it('fails when the threads that follow get nowhere', async () => {
    const { output } = await run(`
      const before = process.listenerCount('exit')
      const job = await openJob('tenant')
      const failed = [], restarted = []
      new EventBroker().in(job.context).on(PersistFailed).subscribe(({ seq, error }) => failed.push([seq, error.code]))
      const dead = once(job, JobFailed)
      process.on('worker', (worker) => worker.once('online', () => worker.terminate()))
      workers[0].terminate()
      const calls = [job.persistAcked(put(1)), job.get('c', key(1)), job.flush()]
      const codes = await Promise.all(calls.map(codeOf))
      await dead
      const left = process.listenerCount('exit') - before
      print({ codes, failed, threads: workers.length, running: job.running, has: persistency.hasJob('tenant'), left })
      await end()
    `)
    expect(output).toEqual({
      codes: ['ERR_STORAGE_DIED', 'ERR_STORAGE_DIED', 'ERR_STORAGE_DIED'],
      failed: [[1, 'ERR_STORAGE_DIED']],
      threads: 4,
      running: false,
      has: false,
      left: 0
    })
  })

  it('goes on however often that happens, as long as it gets somewhere', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      let value
      for (let n = 1; n <= 6; n++) {
        await okOf(job.persistAcked(counted(value, n)))
        value = n
        const restarted = once(job, JobRestarted)
        workers.at(-1).terminate()
        await restarted
      }
      print({ value: valueOf(await job.get('n', key())), threads: workers.length })
      await end()
    `)
    expect(output).toEqual({ value: 6, threads: 7 })
  })

  it('leaves jobs without it to fail', async () => {
    const { output } = await run(`
      const kept = await openJob('kept')
      const other = await openJob('other', { restart: false })
      const third = await openJob('third')
      const dead = once(other, JobFailed)
      for (const worker of workers) worker.terminate()
      const codes = [await codeOf(kept.persistAcked(put(1))), await codeOf(third.persistAcked(put(1)))]
      await dead
      print([...codes, kept.running, other.running, third.running, await codeOf(other.get('c', key(1)))])
      await end()
    `)
    expect(output).toEqual(['ok', 'ok', true, false, true, 'ERR_JOB_CLOSED'])
  })

  it('tells of writes that were waiting when the process ended', async () => {
    const { stderr, code } = await runScript(`${PRELUDE}
      const job = await openJob('tenant')
      workers[0].terminate()
      workers[0].once('exit', () => {
        job.persist(put(1))
        job.persist(put(2))
        process.exit(3)
      })
    `)
    expect(code).toBe(3)
    expect(stderr).toContain('storage of job "tenant" was being started again; 2 accepted writes may be lost')
  })

  it('forgets what sessions that were not closed have left, after a day', async () => {
    const { persistency, job, file } = await open({ restart: true })
    await okOf(job.putAcked('c', key(1), utf8('x')))
    const hours = (n: number): number => Date.now() - n * 60 * 60 * 1000
    withDatabase(file, (db) => {
      const session = db.prepare('INSERT INTO restart_sessions (session, seq, time) VALUES (?, 1, ?)')
      const failure = db.prepare(
        'INSERT INTO restart_failures (session, first, last, error) VALUES (?, 1, 1, ?)'
      )
      for (const [name, ago] of [
        ['old', 25],
        ['recent', 23]
      ] as const) {
        session.run(name, hours(ago))
        failure.run(name, '{}')
      }
    })
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant', { restart: true }))
    await okOf(again.putAcked('c', key(2), utf8('x')))
    const left = withDatabase(file, (db) => ({
      sessions: db
        .prepare("SELECT session FROM restart_sessions WHERE seq = 1 AND session IN ('old', 'recent')")
        .pluck()
        .all(),
      failures: db.prepare('SELECT session FROM restart_failures').pluck().all()
    }))
    expect(left).toEqual({ sessions: ['recent'], failures: ['recent'] })
  })

  it('is refused for jobs in memory', async () => {
    const memory = owner(':memory:')
    expect(await errorOf(memory.openJob('tenant', { restart: true }))).toMatchObject({ code: 'ERR_OPTION' })
  })
})

describe('who follows a job with restart, when its thread dies', () => {
  /** Writes and asks once, when the storage that was started again is sent what it has missed. */
  it.each([
    ['a write that is sent again', `events.listen(PersistAgain, hear)`],
    ['what has been settled', `events.listen(WritesSettled, hear)`],
    ['a read that waited', `subscribe('tracing:persistency:request:start', hear)`]
  ])('and writes when hearing of %s, has that done behind everything older, and once', async (_, listen) => {
    const { output, stderr } = await run(`
      const job = await openJob('tenant')
      await okOf(job.persistAcked(put(0)))
      const events = new EventBroker().in(job.context)
      const failed = []
      events.listen(PersistFailed, ({ seq, error }) => failed.push([seq, error.code]))
      const newest = { kind: 'put', category: 'c', key: key(0), payload: bytes(9) }
      const onlyOnce = [{ kind: 'check', category: 'c', key: key(1) }, put(1)]
      let heard
      const hear = () => { heard ??= [job.persistAcked(newest), job.persistAcked(onlyOnce), job.get('c', key(0))] }
      workers[0].terminate()
      await new Promise((resolve) => workers[0].once('exit', resolve))
      const older = (n) => ({ kind: 'put', category: 'c', key: key(0), payload: bytes(n) })
      job.persist(older(1))
      const waited = job.get('c', key(0))
      for (let n = 2; n < 5; n++) job.persist(older(n))
      ${listen}
      const restarted = once(job, JobRestarted)
      const before = valueOf(await waited)
      await restarted
      const [acked, checked, read] = await Promise.all(heard)
      const value = valueOf(await job.get('c', key(0)))
      await okOf(job.flush())
      print({ before, acked: acked.isOk(), checked: checked.isOk(), read: valueOf(read), value, failed, queued: job.queued })
      await end()
    `)
    expect(stderr).toBe('')
    expect(output).toEqual({
      ...{ before: 1, acked: true, checked: true, read: 9, value: 9 },
      ...{ failed: [], queued: { bytes: 0, ops: 0 } }
    })
  })

  it('is given each event of a subscription once, and its answer is applied once', async () => {
    const { output } = await run(`
      const job = await openJob('tenant', { journal: true })
      const events = jsonEvents('added')
      const sum = defineProjection({
        name: 'sum', version: 1, events, initial: () => 0n, apply: (state) => state + 1n, codec: int64,
      })
      const model = await okOf(job.projection(sum))
      const handled = []
      let value
      const subscription = await okOf(job.subscription('counting', ({ seq }) => {
        handled.push(seq)
        // Some deaths come while the step of this very event is on its way.
        if (handled.length % 20 === 0) setImmediate(() => workers.at(-1).terminate())
        const ops = counted(value, handled.length)
        value = handled.length
        return ops
      }))
      const appended = []
      for (let n = 1; n <= 100; n++) {
        const done = await job.append(events.encode({ type: 'added', data: { n } }), { idempotencyKey: 'e' + n })
        if (done.isErr()) {
          if (done.error.code !== 'ERR_STORAGE_DIED') throw done.error
          n--
        } else appended.push(done.value.firstSeq)
      }
      await okOf(subscription.caughtUp())
      await okOf(model.caughtUp())
      print({
        once: JSON.stringify(handled) === JSON.stringify(appended), handled: handled.length,
        value: valueOf(await job.get('n', key())), sum: Number(await okOf(model.state())), died: workers.length > 3,
        running: [subscription.running, model.subscription.running],
      })
      await end()
    `)
    expect(output).toEqual({
      once: true,
      handled: 100,
      value: 100,
      sum: 100,
      died: true,
      running: [true, true]
    })
  })

  it('has parked events dropped and tried again that were about to be', async () => {
    const { output } = await run(`
      const job = await openJob('tenant', { journal: true })
      await okOf(job.append(Array.from({ length: 8 }, () => ({ type: 'added' }))))
      let broken = true
      const handler = ({ seq }) => {
        if (broken) throw new Error('broken')
        return put(seq)
      }
      const subscription = await okOf(job.subscription('s', handler, { onPoison: 'park', retry: { attempts: 1 } }))
      await okOf(subscription.caughtUp())
      broken = false
      for (let seq = 1; seq <= 8; seq++) {
        const call = seq % 2 === 0 ? subscription.retryParked(seq) : subscription.dropParked(seq)
        // Sent, and most likely not done yet.
        for (let n = 0; n < 20; n++) await undefined
        workers.at(-1).terminate()
        await okOf(call)
      }
      const left = (await okOf(job.subscriptions.parked('s'))).map(({ event }) => event.seq)
      print({ left, rows: await okOf(job.count('c', key())) })
      await end()
    `)
    expect(output).toEqual({ left: [], rows: 4 })
  })

  it('reads each event once, and each change of a range', async () => {
    const { output } = await run(`
      const job = await openJob('tenant', { journal: true })
      const seqs = [], changed = []
      const reading = (async () => {
        for await (const event of job.events({ live: true })) if (event.kind !== 'caughtUp') seqs.push(event.seq)
      })()
      const watching = (async () => {
        for await (const item of job.watch('c', prefixRange(key()))) {
          for (const change of item.changes) changed.push(change.payload[0] * 256 + change.payload[1])
        }
      })()
      for (let n = 1; n <= 300; n++) {
        if (n % 100 === 50) workers.at(-1).terminate()
        const write = job.persistAcked(put(n))
        if (n % 10 === 0) await okOf(write)
      }
      await okOf(job.flush())
      while (seqs.length < 300 || changed.length < 300) await new Promise((resolve) => setImmediate(resolve))
      await okOf(job.close())
      await Promise.all([reading, watching])
      const all = JSON.stringify(Array.from({ length: 300 }, (_, at) => at + 1))
      print([JSON.stringify(seqs) === all, JSON.stringify(changed) === all, workers.length > 1])
      await end()
    `)
    expect(output).toEqual([true, true, true])
  })

  it('sees the rows again without a journal, and all that follows', async () => {
    const { output } = await run(`
      const job = await openJob('tenant')
      await okOf(job.persistAcked(put(1)))
      const rows = new Map()
      const kinds = []
      const watching = (async () => {
        for await (const item of job.watch('c', prefixRange(key()), { initial: true })) {
          if (item.kind !== 'changes') {
            kinds.push(item.kind)
            rows.clear()
            for (const row of item.rows) rows.set(row.key.toString(), row.payload[1])
          } else {
            for (const op of item.changes) {
              if (op.kind === 'put') rows.set(op.key.toString(), op.payload[1])
              else rows.delete(op.key.toString())
            }
          }
        }
      })()
      while (rows.size === 0) await new Promise((resolve) => setImmediate(resolve))
      const removing = job.deleteAcked('c', key(1))
      job.persist(put(2))
      workers[0].terminate()
      const removed = await codeOf(removing)
      job.persist(put(3))
      await okOf(job.flush())
      await okOf(job.deleteAcked('c', key(2)))
      const stored = new Map((await okOf(job.scan('c', key()))).map((row) => [row.key.toString(), row.payload[1]]))
      const same = () => JSON.stringify([...rows].sort()) === JSON.stringify([...stored].sort())
      while (!same()) await new Promise((resolve) => setImmediate(resolve))
      await okOf(job.close())
      await watching
      print({ kinds, removed: ['ok', 'ERR_STORAGE_DIED'].includes(removed), has: [...stored.values()].includes(3) })
      await end()
    `)
    expect(output).toEqual({ kinds: ['initial', 'resync'], removed: true, has: true })
  })
})
