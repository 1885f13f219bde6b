import { describe, expect, it } from '@jest/globals'
import { ok, type Result } from 'neverthrow'
import { type KvRow, key, type PersistencyError } from 'persistency'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'
import { PackedPage } from '../../dist/persistency/frames/packed.js'
import { scanPage } from '../../dist/persistency/frames/wire.js'
import type { KvScanPage } from '../../dist/persistency/message-payloads.js'
import { Patience } from '../../dist/persistency/patience.js'
import { unpacked } from '../../dist/persistency/unpacked.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const storage = useStorage()

const PARTS = 75
const ROWS_OF_PART = 4096

/** What a scan of 300 000 rows answers. */
function largePage(parts = PARTS): PackedPage {
  const part = Buffer.from('3:5:keyvalue'.repeat(ROWS_OF_PART))
  return new PackedPage(
    Array.from({ length: parts }, () => part),
    false
  )
}

const patience = (options: { timeoutMs?: number; signal?: AbortSignal } = {}) => {
  const since = performance.now()
  return () => new Patience('a read', options, since)
}

const answered = (page: KvScanPage): Result<KvScanPage, PersistencyError> => ok(page)

describe('a large answer', () => {
  it('is unpacked while the event loop goes on', async () => {
    let rounds = 0
    let over = false
    const round = (): void => {
      rounds++
      if (!over) setImmediate(round)
    }
    setImmediate(round)
    const page = await okOf(unpacked(answered(largePage()), patience()) as Promise<Result<KvScanPage, never>>)
    over = true
    expect(page.rows.length).toBe(PARTS * ROWS_OF_PART)
    // So many at least, however fast the machine is: 300 000 rows take it some of the times 2 ms.
    expect(rounds).toBeGreaterThan(5)
    expect(page.rows).toBe(page.rows)
  })

  it('ends as the signal of its call does', async () => {
    const controller = new AbortController()
    const read = unpacked(answered(largePage()), patience({ signal: controller.signal }))
    setImmediate(() => controller.abort(new Error('enough')))
    const error = await errorOf(read as Promise<Result<KvScanPage, PersistencyError>>)
    expect([error.code, String(error.cause)]).toEqual(['ERR_ABORTED', 'Error: enough'])
  })

  it('ends with the time of its call, which began before', async () => {
    const began = performance.now() - 60_000
    const late = () => new Patience('a read', { timeoutMs: 60_000 }, began)
    const error = await errorOf(
      unpacked(answered(largePage(1000)), late) as Promise<Result<KvScanPage, PersistencyError>>
    )
    expect([error.code, error.message]).toEqual(['ERR_TIMEOUT', 'a read got no answer within 60000 ms'])
  })

  it('that cannot be unpacked is an error', async () => {
    const page = new PackedPage([Buffer.from('3:5:keyvalue'), Buffer.from('3:x')], false)
    const error = await errorOf(unpacked(answered(page), patience()) as Result<KvScanPage, PersistencyError>)
    expect(error.code).toBe('ERR_BROKER')
  })

  it('is packed when it comes out of a frame, a small one is not', () => {
    const throughFrame = (page: PackedPage): KvScanPage => {
      const writer = new ByteWriter()
      scanPage.write(writer, page)
      return scanPage.read(new ByteReader(writer.written(0, writer.offset)))
    }
    const small = (parts: number) =>
      new PackedPage(
        Array.from({ length: parts }, () => Buffer.from('3:5:keyvalue')),
        true,
        7
      )
    expect(throughFrame(small(2))).not.toBeInstanceOf(PackedPage)
    expect(throughFrame(small(3))).toBeInstanceOf(PackedPage)
    for (const parts of [2, 3]) {
      const { rows, more, journalSeq } = throughFrame(small(parts))
      expect([rows.length, more, journalSeq]).toEqual([parts, true, 7])
    }
  })
})

describe('of a job', () => {
  it.each([{}, { restart: true }])(
    'a large scan and `getMany` answer all rows in order: %j',
    async (options) => {
      const job = await storage.open(options).then(({ job }) => job)
      const count = 20_000
      for (let n = 0; n < count; n++) await job.persistPut('c', key(n), new Uint8Array([n & 255]))
      const all = await okOf(job.scan('c', key(), { timeoutMs: 60_000 }))
      const places = (rows: readonly KvRow[]): string => rows.map(({ key }) => String(key)).join()
      const expected = Array.from({ length: count }, (_, n) => key(n))
      expect(places(all)).toBe(expected.map(String).join())
      expect(all.every(({ payload }, n) => payload[0] === (n & 255))).toBe(true)
      const copied = await okOf(job.scan('c', key(), { reverse: true, copy: true, timeoutMs: 60_000 }))
      expect(places(copied)).toBe(expected.map(String).reverse().join())
      const found = await okOf(job.getMany('c', [key(-1), ...expected], { timeoutMs: 60_000 }))
      expect(found.length).toBe(count + 1)
      expect(found.every((payload, n) => payload?.[0] === (n === 0 ? undefined : (n - 1) & 255))).toBe(true)
      const controller = new AbortController()
      const aborted = errorOf(job.scan('c', key(), { signal: controller.signal }))
      setImmediate(() => controller.abort())
      expect((await aborted).code).toBe('ERR_ABORTED')
      for await (const item of job.watch('c', key(), { initial: true })) {
        expect(item.kind === 'initial' && item.rows.length).toBe(count)
        break
      }
    }
  )
})
