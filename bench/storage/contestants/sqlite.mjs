/** Owns better-sqlite3 as a store in the same thread. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { eachChunk } from '../trials/data.mjs'

export const CATEGORY = Buffer.from('rows')
const ROWS_PER_TRANSACTION = 1000

export function openDatabase(directory, settings) {
  const db = new Database(join(directory, 'bench.db'))
  for (const setting of ['journal_mode = WAL', 'synchronous = NORMAL', ...settings]) db.pragma(setting)
  return db
}

export function openSqlite(directory, settings) {
  const db = openDatabase(directory, settings)
  db.exec(`CREATE TABLE IF NOT EXISTS kv (
    category BLOB NOT NULL, key BLOB NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (category, key)
  ) WITHOUT ROWID`)
  const insert = db.prepare('INSERT OR REPLACE INTO kv (category, key, payload) VALUES (?, ?, ?)')
  const select = db.prepare('SELECT payload FROM kv WHERE category = ? AND key = ?').pluck()
  const rows = db.prepare('SELECT key, payload FROM kv WHERE category = ? ORDER BY key').raw()
  const putRange = db.transaction((keys, payloads, from, to) => {
    for (let i = from; i < to; i++) insert.run(CATEGORY, keys[i], payloads[i])
  })
  /** The event loop gets its turn between transactions. */
  const putAll = (keys, payloads) =>
    eachChunk(keys.length, ROWS_PER_TRANSACTION, async (from, to) => {
      putRange(keys, payloads, from, to)
      await setImmediate()
    })
  return {
    key: (text) => Buffer.from(text),
    putAll,
    putBatches: putAll,
    put: (key, payload) => insert.run(CATEGORY, key, payload),
    putTogether: (keys, payloads) => putRange(keys, payloads, 0, keys.length),
    get: (key) => select.get(CATEGORY, key),
    getMany: (keys) => keys.map((key) => select.get(CATEGORY, key)),
    scanAll(visit) {
      for (const row of rows.all(CATEGORY)) visit(row[1])
    },
    scanStream(visit) {
      for (const row of rows.iterate(CATEGORY)) visit(row[1])
    },
    count: () => db.prepare('SELECT count(*) FROM kv').pluck().get(),
    close: () => db.close()
  }
}
