import { describe, expect, test } from '@jest/globals'
import { int64, type Job, type KeyRange, key, payload, rawKey, string, struct, toPayload } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { rowsIn } from '../support/storage-sqlite.js'

const storage = useStorage()

const EVERYTHING: KeyRange = { start: rawKey(new Uint8Array(0)) }

async function openWithRows(count: number): Promise<Job> {
  const { job } = await storage.open()
  for (let n = 0; n < count; n++) void job.persistPut('c', key(n), utf8(`payload ${n}`))
  await okOf(job.flush())
  return job
}

describe('order', () => {
  test('a read sees every write made before it and none made after it', async () => {
    const { job } = await storage.open()
    const reads = Array.from({ length: 200 }, (_, n) => {
      const before = job.get('c', key('k'))
      void job.persistPut('c', key('k'), utf8(String(n)))
      return [before, job.get('c', key('k')), job.exists('c', key('k')), job.count('c', keyOf())] as const
    })
    for (const [n, [before, after, exists, count]] of reads.entries()) {
      expect(textOf(await okOf(before))).toBe(n === 0 ? undefined : String(n - 1))
      expect(textOf(await okOf(after))).toBe(String(n))
      expect([await okOf(exists), await okOf(count)]).toEqual([true, 1])
    }
  })

  test('a row that was just put is there for get and deleteAcked, 200 times one after the other', async () => {
    const { job } = await storage.open()
    for (let n = 0; n < 200; n++) {
      await okOf(job.persistPut('c', key(n), utf8('x')))
      expect(textOf(await okOf(job.get('c', key(n))))).toBe('x')
      await okOf(job.persistPut('c', key('d'), utf8('x')))
      expect(await okOf(job.deleteAcked('c', key('d')))).toBe(true)
      expect(await okOf(job.exists('c', key('d')))).toBe(false)
    }
  })

  test('writes of one caller apply in the order of the calls, whatever their method', async () => {
    const { job } = await storage.open()
    const k = key('k')
    void job.persistPut('c', k, utf8('1'))
    void job.persistDelete('c', k)
    void job.persistPut('c', k, utf8('2'))
    void job.persistDeletePrefix('c', k)
    void job.persistEncoded('c', k, 'three')
    void job.persist({ kind: 'put', category: 'c', key: k, payload: utf8('4') })
    void job.persistAcked({ kind: 'put', category: 'c', key: k, payload: utf8('5') })
    expect(textOf(await okOf(job.get('c', k)))).toBe('5')
  })

  test('a burst of 5000 unawaited writes is stored', async () => {
    const { job, file } = await storage.open()
    for (let n = 0; n < 5000; n++) void job.persistPut('c', key(n), utf8(String(n)))
    expect(await okOf(job.count('c', EVERYTHING))).toBe(5000)
    await okOf(job.close())
    const rows = rowsIn(file)
    expect(rows.map((row) => row.payload)).toEqual(
      Array.from({ length: 5000 }, (_, n) => hexOf(utf8(String(n))))
    )
  })
})

describe('writes', () => {
  test('a batch becomes visible as a whole', async () => {
    const { job } = await storage.open()
    const batch = Array.from({ length: 50 }, (_, n) => ({
      kind: 'put' as const,
      category: 'c',
      key: key(n),
      payload: utf8('x')
    }))
    const before = job.count('c', EVERYTHING)
    void job.persist(batch)
    const after = job.count('c', EVERYTHING)
    expect([await okOf(before), await okOf(after)]).toEqual([0, 50])
  })

  test('deleting what is not there is no error', async () => {
    const { job } = await storage.open()
    await okOf(job.persistDelete('c', key('missing')))
    await okOf(job.persistDeletePrefix('c', key('missing')))
    await okOf(job.persistDeletePrefix('missing', keyOf()))
    await okOf(job.flush())
  })

  test('an encoded value is stored as toPayload or the codec encodes it', async () => {
    const { job } = await storage.open()
    await okOf(job.persistEncoded('c', key(1), 'text'))
    await okOf(job.persistEncoded('c', key(2), 42))
    await okOf(job.persistEncoded('c', key(3), { n: 7 }, { encode: ({ n }) => payload(n, 'seven') }))
    expect(await okOf(job.get('c', key(1)))).toEqual(toPayload('text'))
    expect(await okOf(job.get('c', key(2)))).toEqual(toPayload(42))
    expect(await okOf(job.get('c', key(3)))).toEqual(payload(7, 'seven'))
  })

  test('a row is decoded with a codec, and an error where the codec cannot read it', async () => {
    const { job } = await storage.open()
    const visit = struct({ page: string, at: int64 })
    await okOf(job.persistEncoded('c', key(1), { page: 'docs', at: 5 }, visit))
    await okOf(job.persistPut('c', key(2), utf8('x')))
    expect(await okOf(job.getDecoded('c', key(1), visit))).toEqual({ page: 'docs', at: 5n })
    expect(await okOf(job.getDecoded('c', key(3), visit))).toBe(undefined)
    expect(await okOf(job.getDecoded('c', key(2), { decode: textOf }))).toBe('x')
    const error = await errorOf(job.getDecoded('c', key(2), visit))
    expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_VALUE' })
    expect(error.message).toContain('the payload of the row cannot be decoded')
    expect(error.cause).toBeInstanceOf(RangeError)
  })

  test('persistAcked answers the position of the write once it is committed', async () => {
    const { job, file } = await storage.open()
    const put = (n: number) => ({ kind: 'put' as const, category: 'c', key: key(n), payload: utf8('x') })
    void job.persist(put(1))
    expect(await okOf(job.persistAcked([put(2), put(3)]))).toEqual({ seq: 2, ops: 2 })
    // Another connection sees only what is committed.
    expect(rowsIn(file)).toHaveLength(3)
    expect(await okOf(job.persistAcked(put(4), { timeoutMs: 5000 }))).toEqual({ seq: 3, ops: 1 })
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  })

  test('putAcked answers the position of the write once the row is committed', async () => {
    const { job, file } = await storage.open()
    void job.persistPut('c', key(1), utf8('x'))
    expect(await okOf(job.putAcked('c', key(2), utf8('y')))).toEqual({ seq: 2, ops: 1 })
    expect(rowsIn(file).map((row) => row.payload)).toEqual(['x', 'y'].map((text) => hexOf(utf8(text))))
  })

  test('flush answers once everything before it is committed, also durably', async () => {
    const { job, file } = await storage.open()
    for (const options of [undefined, { durable: false }, { durable: true }]) {
      for (let n = 0; n < 100; n++) void job.persistPut('c', key(String(options?.durable), n), utf8('x'))
      await okOf(job.flush(options))
      // Another connection sees only what is committed.
      expect(rowsIn(file)).toHaveLength(100)
      void job.persistDeletePrefix('c', keyOf())
    }
  })

  test('jobs do not see each other’s rows', async () => {
    const { job, persistency } = await storage.open()
    const other = await okOf(persistency.openJob('other'))
    await okOf(job.persistPut('c', key(1), utf8('mine')))
    expect(await okOf(other.exists('c', key(1)))).toBe(false)
    await okOf(other.persistDeletePrefix('c', keyOf()))
    await okOf(other.flush())
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('mine')
  })
})

describe('reads', () => {
  test('getMany answers in the order of its keys, with gaps and repetitions', async () => {
    const job = await openWithRows(300)
    const wanted = [299, 0, 1000, 5, 5, 1001, 150]
    const found = await okOf(
      job.getMany(
        'c',
        wanted.map((n) => key(n))
      )
    )
    expect(found.map(textOf)).toEqual(wanted.map((n) => (n < 300 ? `payload ${n}` : undefined)))
    expect(await okOf(job.getMany('c', []))).toEqual([])
  })

  test('many reads at once are answered each with its own row', async () => {
    const job = await openWithRows(500)
    const found = await Promise.all(
      Array.from({ length: 5000 }, (_, n) => okOf(job.get('c', key((n * 7919) % 500))))
    )
    expect(found.every((row, n) => textOf(row) === `payload ${(n * 7919) % 500}`)).toBe(true)
  })

  test.each([
    [{}, [0, 1, 2, 3, 4]],
    [{ reverse: true }, [4, 3, 2, 1, 0]],
    [{ limit: 2 }, [0, 1]],
    [{ limit: 2, reverse: true }, [4, 3]],
    [{ limit: 0 }, []],
    [{ limit: 5 }, [0, 1, 2, 3, 4]],
    [{ limit: Number.MAX_SAFE_INTEGER }, [0, 1, 2, 3, 4]]
  ])('scan with %j', async (options, expected) => {
    const job = await openWithRows(5)
    const rows = await okOf(job.scan('c', EVERYTHING, options))
    expect(rows.map((row) => textOf(row.payload))).toEqual(expected.map((n) => `payload ${n}`))
    expect(rows.every((row, at) => row.key.equals(key(expected[at] as number)))).toBe(true)
    expect(await okOf(job.scanPrefix('c', keyOf(), options))).toEqual(rows)
    const bare = await okOf(job.scan('c', EVERYTHING, { ...options, keysOnly: true }))
    expect(bare.map((row) => hexOf(row.key.bytes))).toEqual(rows.map((row) => hexOf(row.key.bytes)))
    expect(bare.every((row) => row.payload.length === 0)).toBe(true)
  })

  test('an aborted read fails, and the job goes on', async () => {
    const job = await openWithRows(1)
    const reason = new Error('changed my mind')
    const error = await errorOf(job.get('c', key(0), { signal: AbortSignal.abort(reason) }))
    expect(error).toMatchObject({ kind: 'aborted', code: 'ERR_ABORTED' })
    const controller = new AbortController()
    const reading = job.scan('c', EVERYTHING, { signal: controller.signal })
    controller.abort(reason)
    expect((await errorOf(reading)).code).toBe('ERR_ABORTED')
    expect(textOf(await okOf(job.get('c', key(0))))).toBe('payload 0')
  })

  test('an aborted wait does not take the write back', async () => {
    const job = await openWithRows(0)
    const put = { kind: 'put', category: 'c', key: key(1), payload: utf8('x') } as const
    const controller = new AbortController()
    const acked = job.persistAcked(put, { signal: controller.signal })
    controller.abort()
    const error = await errorOf(acked)
    expect(error.code).toBe('ERR_ABORTED')
    expect(await okOf(job.exists('c', key(1)))).toBe(true)
  })

  test('a write whose signal had fired before is not made', async () => {
    const job = await openWithRows(0)
    const put = { kind: 'put', category: 'c', key: key(1), payload: utf8('x') } as const
    const reason = new Error('changed my mind')
    const error = await errorOf(job.persistAcked(put, { signal: AbortSignal.abort(reason) }))
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: reason })
    expect(await okOf(job.exists('c', key(1)))).toBe(false)
    await okOf(job.flush())
  })
})
