import { describe, expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'
import { THREADS } from '../support/storage-folder.js'

/** Opens two jobs on two threads and keeps the worker of the first one at hand, to be killed. */
const PRELUDE = `
import { Persistency, EventBroker, PersistFailed, JobFailed, key } from 'persistency'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
const root = mkdtempSync(join(tmpdir(), 'persistency-death-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
const workers = []
process.on('worker', (worker) => workers.push(worker))
const persistency = Persistency.open({ rootDir: root, ...${JSON.stringify(THREADS)} })._unsafeUnwrap()
const job = (await persistency.openJob('victim'))._unsafeUnwrap()
const sibling = (await persistency.openJob('sibling'))._unsafeUnwrap()
const bytes = new Uint8Array([1, 2, 3])
const print = (value) => console.log(JSON.stringify(value))
`

describe('a job whose worker dies', () => {
  it('settles every pending call, reports what is lost, and opens again', async () => {
    const { output, code, stderr } = await runScript(`${PRELUDE}
      const broker = new EventBroker().in(job.context)
      const failed = [], jobFailed = []
      broker.on(PersistFailed).subscribe(({ seq, error }) => failed.push([seq, error.code]))
      broker.on(JobFailed).subscribe(({ error }) => jobFailed.push(error.code))
      await job.persistAcked({ kind: 'put', category: 'c', key: key(0), payload: bytes })
      const put = job.persistPut('c', key(1), bytes)
      const calls = [
        job.persistAcked({ kind: 'put', category: 'c', key: key(2), payload: bytes }),
        job.get('c', key(1)), job.scan('c', key()), job.flush(), job.deleteAcked('c', key(1)),
      ]
      workers[0].terminate()
      const settled = await Promise.all(calls)
      const siblingWrite = await sibling.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: bytes })
      const after = await job.get('c', key(0))
      const again = (await persistency.openJob('victim'))._unsafeUnwrap()
      const kept = await again.get('c', key(0))
      print({
        accepted: (await put).isOk(),
        errors: settled.map((result) => result.isErr() ? result.error.kind : 'ok'),
        failed, jobFailed, running: job.running, sibling: siblingWrite.isOk(), after: after.error.code,
        same: again === job, kept: [...kept.value],
      })
      await persistency.close()
    `)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(output).toEqual({
      accepted: true,
      errors: ['backend', 'backend', 'backend', 'backend', 'backend'],
      failed: [
        [2, 'ERR_STORAGE_DIED'],
        [3, 'ERR_STORAGE_DIED']
      ],
      jobFailed: ['ERR_STORAGE_DIED'],
      running: false,
      sibling: true,
      after: 'ERR_JOB_CLOSED',
      same: false,
      kept: [1, 2, 3]
    })
  })

  it('lets writers that wait for room fail', async () => {
    const { output, stderr } = await runScript(`${PRELUDE}
      const narrow = (await persistency.openJob('narrow', { maxQueueOps: 1 }))._unsafeUnwrap()
      new EventBroker().in(narrow.context).on(PersistFailed).subscribe(() => {})
      const writes = Array.from({ length: 5 }, (_, i) => narrow.persistPut('c', key(i), bytes))
      const read = narrow.get('c', key(0))
      const thread = workers[2] ?? workers[0]
      thread.terminate()
      const results = await Promise.all([...writes, read])
      print(results.map((result) => result.isErr() ? result.error.code : 'ok'))
      await persistency.close()
    `)
    expect(stderr).toBe('')
    expect(output).toEqual(['ok', ...Array.from({ length: 5 }, () => 'ERR_STORAGE_DIED')])
  })

  it('reports the loss on the warning channel when nobody listens', async () => {
    const { stderr } = await runScript(`${PRELUDE}
      job.persistPut('c', key(1), bytes)
      const dead = new Promise((resolve) => new EventBroker().in(job.context).on(JobFailed).subscribe(resolve))
      workers[0].terminate()
      await dead
      await persistency.close()
    `)
    expect(stderr).toContain('[PERSISTENCY_WRITE_LOST]')
    expect(stderr).toContain('a write of job "victim" was lost')
  })

  it('closes without harm afterwards', async () => {
    const { output, code } = await runScript(`${PRELUDE}
      const dead = new Promise((resolve) => new EventBroker().in(job.context).on(JobFailed).subscribe(resolve))
      workers[0].terminate()
      await dead
      const results = [await persistency.closeJob('victim'), await job.close(), await persistency.close()]
      print({ ok: results.map((result) => result.isOk()), has: persistency.hasJob('victim') })
    `)
    expect(output).toEqual({ ok: [true, true, true], has: false })
    expect(code).toBe(0)
  })

  it('that dies while it is being closed answers the closing with an error', async () => {
    const { output, code } = await runScript(`${PRELUDE}
      for (let i = 0; i < 20_000; i++) job.persistPut('c', key(i), bytes)
      new EventBroker().in(job.context).on(PersistFailed).subscribe(() => {})
      const closing = persistency.closeJob('victim')
      workers[0].terminate()
      const closed = await closing
      print({ error: closed.isErr() ? closed.error.code : 'ok', has: persistency.hasJob('victim') })
      await persistency.close()
    `)
    expect(output).toEqual({ error: 'ERR_STORAGE_DIED', has: false })
    expect(code).toBe(0)
  })
})
