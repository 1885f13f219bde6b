/** How large rows, writes and events may be. Memory that nobody touches takes no room, so it is only asked for here. */
import { constants } from 'node:buffer'
import { describe, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { Key, key, rawKey, type TxOp } from 'persistency'
import { checkPut, checkWrite } from '../../dist/persistency/checks/operations.js'
import { storageError } from '../../dist/persistency/storage/sqlite-errors.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf } from '../support/storage-results.js'

const { open } = useStorage()

/** What SQLite takes, less room for what stands around it. */
const MOST = Math.min(constants.MAX_STRING_LENGTH, 1_000_000_000) - 64
const EMPTY = rawKey(new Uint8Array(0))

/** A key over these very bytes: `rawKey` would copy them. */
const keyOver = (bytes: Uint8Array): Key => (Key as unknown as { view(of: Uint8Array): Key }).view(bytes)

const put = (bytes: Uint8Array): TxOp => ({ kind: 'put', category: '', key: EMPTY, payload: bytes })

describe('what SQLite takes as one value', () => {
  const longest = MOST + 64

  test('is as long as a string of Node.js', () => {
    const db = new Database(':memory:')
    const blob = db.prepare('SELECT typeof(zeroblob(?))').pluck()
    expect(blob.get(longest)).toBe('blob')
    expect(() => blob.get(longest + 1)).toThrow(expect.objectContaining({ code: 'SQLITE_TOOBIG' }))
    db.close()
  })

  test('is named where it refuses more', () => {
    const db = new Database(':memory:')
    let thrown: unknown
    try {
      db.prepare('SELECT typeof(?)').get(new Uint8Array(longest + 1))
    } catch (error) {
      thrown = error
    }
    db.close()
    const error = storageError('ERR_STORAGE', 'tenant.db', thrown)
    expect(error.backendCode).toBe('SQLITE_TOOBIG')
    expect(error.message).toContain('is larger than SQLite takes; write it in parts')
  })
})

describe('nothing is accepted that the storage would lose', () => {
  test('a row up to the limit is accepted', () => {
    expect(checkPut('', EMPTY, new Uint8Array(MOST)).isOk()).toBe(true)
    expect(checkPut('abc', key('x'), new Uint8Array(MOST)).isOk()).toBe(false)
  })

  test('a row over the limit is refused', async () => {
    const { job } = await open()
    const more = new Uint8Array(MOST + 1)
    for (const write of [
      job.persistPut('', EMPTY, more),
      job.putAcked('', EMPTY, more),
      job.persist([put(new Uint8Array(1)), put(more)])
    ]) {
      const error = await errorOf(write)
      expect(error.code).toBe('ERR_PAYLOAD')
      expect(error.message).toContain(`a row holds at most ${MOST} bytes`)
    }
    expect((await errorOf(job.persistDelete('', keyOver(more)))).code).toBe('ERR_KEY')
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  })

  test('a write is refused that is too long for an event, where there is a journal', async () => {
    const half = put(new Uint8Array(MOST / 2))
    expect(checkWrite([half, half], false).isOk()).toBe(true)
    expect(checkWrite([put(new Uint8Array(MOST))], true).isOk()).toBe(true)
    const { job } = await open({ journal: true })
    for (const write of [job.persist([half, half]), job.persistAcked([half, half])]) {
      const error = await errorOf(write)
      expect(error.code).toBe('ERR_OP')
      expect(error.message).toContain(`with a journal one write holds at most ${MOST} bytes`)
    }
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  })

  test('a check takes no room in an event', () => {
    const equals = new Uint8Array(MOST / 2 - 100)
    const check = { kind: 'check', category: '', key: EMPTY, equals }
    expect(checkWrite([check, put(equals), { ...check, key: key(1) }], true).isOk()).toBe(true)
  })

  test('an event that is too long is refused, alone or with its operations', async () => {
    const { job } = await open({ journal: true })
    const half = new Uint8Array(MOST / 2)
    const small = { type: 'small' }
    for (const append of [
      job.append([small, { type: 'large', data: new Uint8Array(MOST) }]),
      job.append([small, { type: 'large', data: half }], { ops: [put(half)] })
    ]) {
      const error = await errorOf(append)
      expect(error.code).toBe('ERR_EVENT')
      expect(error.message).toContain(`an event holds at most ${MOST} bytes; event 1 of 2`)
    }
  })
})
