/** The other thread of the hand-written worker. The puts that arrive in one turn share a transaction. */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

const db = new Database(join(workerData, 'bench.db'))
db.pragma('journal_mode = WAL')
db.pragma('synchronous = NORMAL')
db.pragma('cache_size = -32768')
db.exec('CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID')
const insert = db.prepare('INSERT OR REPLACE INTO kv (key, payload) VALUES (?, ?)')
const select = db.prepare('SELECT payload FROM kv WHERE key = ?').pluck()
const page = db.prepare('SELECT key, payload FROM kv WHERE key > ? ORDER BY key LIMIT ?').raw()
const count = db.prepare('SELECT count(*) FROM kv').pluck()

let uncommitted = []

function commit() {
  if (db.inTransaction) db.exec('COMMIT')
  for (const id of uncommitted) parentPort.postMessage({ id })
  uncommitted = []
}

function put(id, keys, payloads) {
  if (!db.inTransaction) {
    db.exec('BEGIN')
    setImmediate(commit)
  }
  for (let i = 0; i < keys.length; i++) insert.run(keys[i], payloads[i])
  if (id !== undefined) uncommitted.push(id)
}

const handlers = {
  put: ({ id, key, payload }) => put(id, [key], [payload]),
  putMany: ({ id, keys, payloads }) => put(id, keys, payloads),
  get: ({ id, key }) => parentPort.postMessage({ id, answer: select.get(key) }),
  getMany: ({ id, keys }) => parentPort.postMessage({ id, answer: keys.map((key) => select.get(key)) }),
  page: ({ id, after, limit }) => parentPort.postMessage({ id, answer: page.all(after, limit) }),
  count: ({ id }) => parentPort.postMessage({ id, answer: count.get() }),
  flush({ id }) {
    commit()
    parentPort.postMessage({ id })
  },
  close() {
    commit()
    db.close()
    parentPort.close()
  }
}

parentPort.on('message', (message) => handlers[message.kind](message))
