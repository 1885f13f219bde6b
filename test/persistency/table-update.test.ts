/** Changing a row of a table to what a function makes of it. */
import { describe, expect, test } from '@jest/globals'
import { defineTable, int64, integer, json, key, string, tuple } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

const Counts = defineTable('counts', { key: string, value: integer })
const Balances = defineTable('balances', { key: string, value: int64 })
const Notes = defineTable('notes', {
  key: tuple(string, integer),
  value: json<{ text: string; at?: Date }>()
})

const oneMore = (before = 0): number => before + 1

async function counts() {
  const opened = await storage.open()
  return { ...opened, counts: opened.job.table(Counts) }
}

describe('an update', () => {
  test('stores what is made of the value, and answers what is stored', async () => {
    const { job, counts: table } = await counts()
    expect(await okOf(table.update('a', oneMore))).toBe(1)
    expect(await okOf(table.update('a', oneMore))).toBe(2)
    expect(await okOf(table.get('a'))).toBe(2)
    const balances = job.table(Balances)
    expect(await okOf(balances.update('ann', (before = 5n) => Number(before)))).toBe(5n)
    const at = new Date(0)
    const stored = await okOf(job.table(Notes).update(['ann', 1], () => ({ text: 'a', at })))
    expect(stored).toEqual({ text: 'a', at: at.toJSON() })
  })

  test('that makes nothing of it leaves the row as it is', async () => {
    const { job, counts: table } = await counts()
    expect(await okOf(table.update('a', () => undefined))).toBe(undefined)
    await okOf(table.putAcked('a', 3))
    expect(await okOf(table.update('a', (before) => (before === 3 ? undefined : 4)))).toBe(3)
    expect(await okOf(job.putAcked('c', key(), utf8('')))).toMatchObject({ seq: 2 })
  })

  test('loses none of many, by two owners of one file', async () => {
    const { root, counts: table } = await counts()
    const other = (await okOf(storage.owner(root).openJob('tenant'))).table(Counts)
    const updates = Array.from({ length: 50 }, (_, n) =>
      (n % 2 === 0 ? table : other).update('a', oneMore, { attempts: 1000, maxDelayMs: 10 })
    )
    const answers = await Promise.all(updates.map((update) => okOf(update)))
    expect(answers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
    expect(await okOf(other.get('a'))).toBe(50)
  })

  test('of this process waits for those before it, and does not need another attempt', async () => {
    const { job, counts: table } = await counts()
    const once = { attempts: 1 }
    const updates = Array.from({ length: 50 }, () => job.table(Counts).update('a', oneMore, once))
    expect(await Promise.all(updates.map((update) => okOf(update)))).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1)
    )
    expect(await okOf(table.update('b', oneMore, once))).toBe(1)
  })

  test('is made again when somebody else was faster, as often as is allowed', async () => {
    const { job, counts: table } = await counts()
    const seen: unknown[] = []
    const meddle = (before = 0): number => {
      seen.push(before)
      void job.persist(Counts.put('a', before + 10))
      return before + 1
    }
    const options = { attempts: 3, delayMs: 0 }
    const error = await errorOf(table.update('a', meddle, options))
    expect(error).toMatchObject({ code: 'ERR_CONFLICT', conflict: { kind: 'check', key: key('a') } })
    expect(seen).toEqual([0, 10, 20])
    const once = (before = 0): number => (seen.length === 3 ? meddle(before) : before + 1)
    expect(await okOf(table.update('a', once, options))).toBe(41)
  })

  test('compares the bytes that it read, whatever the codec would make of them', async () => {
    const { job } = await counts()
    const notes = job.table(Notes)
    await okOf(job.persistPut('notes', key('ann', 1), utf8('{ "text" : "a" }')))
    expect(await okOf(notes.update(['ann', 1], ({ text } = { text: '' }) => ({ text: `${text}b` })))).toEqual(
      {
        text: 'ab'
      }
    )
    const Raw = defineTable('raw', { key: string, value: { encode: (b: Uint8Array) => b, decode: (b) => b } })
    await okOf(job.persist(Raw.put('a', utf8('a'))))
    const changed = await okOf(job.table(Raw).update('a', (bytes) => bytes?.fill(0x62), { attempts: 1 }))
    expect(changed).toEqual(utf8('b'))
  })

  test('rejects with what the function throws, and goes on with the next one', async () => {
    const { counts: table } = await counts()
    const soldOut = new Error('sold out')
    const refusing = table.update('a', () => {
      throw soldOut
    })
    const next = table.update('a', oneMore)
    await expect(refusing).rejects.toBe(soldOut)
    expect(await okOf(next)).toBe(1)
    const late = table.update('a', (async () => 1) as never)
    await expect(late).rejects.toThrow('the change of a row answers its value at once, and no promise')
    expect(() => table.update('a', 5 as never)).toThrow(
      'the change of a row must be a function; got the number 5'
    )
    expect(await okOf(table.get('a'))).toBe(1)
  })

  test('answers what is wrong with it as other calls do', async () => {
    const { job, counts: table } = await counts()
    expect((await errorOf(table.update(5 as never, oneMore))).code).toBe('ERR_VALUE')
    expect((await errorOf(table.update('a', () => 1.5))).message).toMatch(
      /^category "counts", key 000161: the value/
    )
    const signal = AbortSignal.abort()
    expect((await errorOf(table.update('a', oneMore, { signal }))).code).toBe('ERR_ABORTED')
    for (const options of [{ patience: 1 }, { timeoutMs: 0 }, { attempts: 0 }, null] as never[]) {
      expect((await errorOf(table.update('a', oneMore, options))).code).toBe('ERR_OPTION')
    }
    const unread = defineTable('counts', {
      key: string,
      value: { encode: () => utf8('x'), decode: integer.decode }
    })
    expect((await errorOf(job.table(unread).update('a', () => 1))).message).toContain('cannot be decoded')
    expect(await okOf(table.count())).toBe(0)
    await okOf(job.persistPut('counts', key('a'), utf8('x')))
    expect((await errorOf(table.update('a', oneMore))).code).toBe('ERR_VALUE')
    await okOf(job.close())
    expect((await errorOf(table.update('a', oneMore, { timeoutMs: 1000 }))).code).toBe('ERR_JOB_CLOSED')
  })
})
