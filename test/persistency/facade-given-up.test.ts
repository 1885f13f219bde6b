/** Acknowledged writes whose callers have given up. In a file of its own: only the first loss of a process is warned of. */
import { expect, test } from '@jest/globals'
import { key, type TxOp } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWarnings } from '../support/storage-process.js'
import { errorOf, keyOf, okOf, utf8 } from '../support/storage-results.js'

const holdLock = useLocks()
const storage = useStorage()
const warnings = useWarnings()

const put = (n: number): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload: utf8('x') })

test('a write is not lost without a word although its persistAcked timed out or was aborted', async () => {
  const { job, file } = await storage.open({ busyTimeoutMs: 1000 })
  const held = holdLock(file)
  const warned = warnings.next()
  const giveUp = new AbortController()
  const timedOut = errorOf(job.persistAcked(put(1), { timeoutMs: 30 }))
  const aborted = errorOf(job.persistAcked(put(2), { signal: giveUp.signal }))
  giveUp.abort()
  expect([(await timedOut).code, (await aborted).code]).toEqual(['ERR_TIMEOUT', 'ERR_ABORTED'])
  const flushed = await errorOf(job.flush())
  held.release()
  expect(flushed).toMatchObject({ code: 'ERR_WRITES_LOST', backendCode: 'SQLITE_BUSY' })
  expect(flushed.message).toContain('lost 2 accepted writes')
  expect((await warned).code).toBe('PERSISTENCY_WRITE_LOST')
  await okOf(job.flush())
  expect(await okOf(job.count('c', keyOf()))).toBe(0)
})

test('a loss that its caller was told of in time is told once', async () => {
  const { job, file } = await storage.open({ busyTimeoutMs: 1 })
  const held = holdLock(file)
  const { signal } = new AbortController()
  const error = await errorOf(job.persistAcked(put(1), { signal, timeoutMs: 60_000 }))
  held.release()
  expect(error).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_BUSY' })
  await okOf(job.flush())
})
