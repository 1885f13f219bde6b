/**
 * SQLite in the same thread, driven as hard as its interface allows: many rows for each statement, large transactions, one
 * statement for many keys. For the rows in which that makes a difference.
 */
import { setImmediate } from 'node:timers/promises'
import { eachChunk } from '../trials/data.mjs'
import { TUNED } from './better-sqlite3.mjs'
import { CATEGORY, openDatabase, openSqlite } from './sqlite.mjs'

const ROWS_PER_STATEMENT = 64
/** About as many rows of 100 bytes as this package commits together at most. */
const BYTES_PER_TRANSACTION = 4 * 1024 * 1024

export function open(directory, payloadBytes) {
  const store = openSqlite(directory, TUNED)
  const db = openDatabase(directory, TUNED)
  const rowsOf = (count) => Array(count).fill('(?, ?, ?)').join(', ')
  const insert = db.prepare(
    `INSERT OR REPLACE INTO kv (category, key, payload) VALUES ${rowsOf(ROWS_PER_STATEMENT)}`
  )
  const one = db.prepare(`INSERT OR REPLACE INTO kv (category, key, payload) VALUES ${rowsOf(1)}`)
  const lookUps = new Map()
  const lookUp = (count) => {
    const keys = Array(count).fill('(?)').join(', ')
    const sql = `WITH wanted (key) AS (VALUES ${keys}) SELECT payload FROM wanted LEFT JOIN kv ON kv.category = ? AND kv.key = wanted.key`
    return db.prepare(sql).pluck()
  }
  const putRange = db.transaction((keys, payloads, from, to) => {
    let i = from
    for (; i + ROWS_PER_STATEMENT <= to; i += ROWS_PER_STATEMENT) {
      const values = []
      for (let at = i; at < i + ROWS_PER_STATEMENT; at++) values.push(CATEGORY, keys[at], payloads[at])
      insert.run(values)
    }
    for (; i < to; i++) one.run(CATEGORY, keys[i], payloads[i])
  })
  const perTransaction = Math.ceil(BYTES_PER_TRANSACTION / (payloadBytes + 40))
  return {
    ...store,
    putAll: (keys, payloads) =>
      eachChunk(keys.length, perTransaction, async (from, to) => {
        putRange(keys, payloads, from, to)
        await setImmediate()
      }),
    getMany(keys) {
      const statement = lookUps.get(keys.length) ?? lookUp(keys.length)
      lookUps.set(keys.length, statement)
      return statement.all([...keys, CATEGORY]).map((payload) => payload ?? undefined)
    },
    close() {
      db.close()
      store.close()
    }
  }
}
