/** Calls that wait in line because the queue is full: whose they are, and what becomes of those that nobody waits for. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from '@jest/globals'
import { type Job, KvCount, KvFlush, KvGet, key, type RequestTrace, type TxOp } from 'persistency'
import { useChannels } from '../support/channels.js'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { errorOf, keyOf, okOf, utf8 } from '../support/storage-results.js'

const holdLock = useLocks()
const storage = useStorage()
const channels = useChannels()

const put = (n: number): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload: utf8('x') })

describe.each([[false], [true]])('with restart: %s', (restart) => {
  /** A job whose queue is full, with a write that waits for room, until the lock is released. */
  async function crowded(): Promise<{ job: Job; release: () => Promise<void> }> {
    const { job, file } = await storage.open({ restart, maxQueueOps: 1 })
    const lock = holdLock(file)
    await okOf(job.persist(put(1)))
    const waiting = okOf(job.persist(put(2)))
    const release = async (): Promise<void> => {
      lock.release()
      await waiting
      await okOf(job.flush())
    }
    return { job, release }
  }

  test('a call whose caller has given up meanwhile is not sent', async () => {
    const { job, release } = await crowded()
    const sent: string[] = []
    channels.on<RequestTrace>('tracing:persistency:request:start', ({ request }) => sent.push(request))
    const giveUp = new AbortController()
    const answers = [
      errorOf(job.get('c', key(1), { timeoutMs: 20 })),
      errorOf(job.deleteAcked('c', key(1), { signal: giveUp.signal }))
    ]
    giveUp.abort()
    const errors = await Promise.all(answers)
    expect(errors.map(({ code }) => code)).toEqual(['ERR_TIMEOUT', 'ERR_ABORTED'])
    await release()
    expect(await okOf(job.count('c', keyOf()))).toBe(2)
    expect(sent).toEqual([KvFlush.name, KvCount.name])
  })

  test('a call that is sent is traced in the async context of its caller', async () => {
    const { job, release } = await crowded()
    const tenant = new AsyncLocalStorage<string>()
    const traced: unknown[] = []
    channels.on<RequestTrace>('tracing:persistency:request:start', ({ request }) => {
      if (request === KvGet.name) traced.push(tenant.getStore())
    })
    const read = tenant.run('of the caller', () => okOf(job.get('c', key(2))))
    await release()
    expect(await read).toEqual(utf8('x'))
    expect(traced).toEqual(['of the caller'])
  })
})
