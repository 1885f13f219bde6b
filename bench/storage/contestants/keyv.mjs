/**
 * The SQLite store of Keyv, used without Keyv around it, so that payloads stay bytes instead of becoming JSON. Its
 * own settings are a rollback journal and a sync for each commit; here they are those of the others.
 */
import { join } from 'node:path'
import KeyvSqlite from '@keyv/sqlite'
import { eachChunk } from '../trials/data.mjs'

export const share = { puts: 0.05, reads: 0.1 }
/** Its iterator knows no order. */
export const ordered = false

const TOGETHER = 1000

export async function open(directory) {
  const store = new KeyvSqlite({ uri: `sqlite://${join(directory, 'bench.db')}`, iterationLimit: 1000 })
  await store.query('PRAGMA journal_mode = WAL')
  await store.query('PRAGMA synchronous = NORMAL')
  const putAll = (keys, payloads) =>
    eachChunk(keys.length, TOGETHER, (from, to) => {
      const puts = []
      for (let i = from; i < to; i++) puts.push(store.set(keys[i], payloads[i]))
      return Promise.all(puts)
    })
  async function scan(visit) {
    for await (const entry of store.iterator()) visit(entry[1])
  }
  return {
    key: (text) => text,
    putAll,
    putBatches: putAll,
    put: (key, payload) => store.set(key, payload),
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    async scanAll(visit) {
      const payloads = []
      await scan((payload) => payloads.push(payload))
      for (const payload of payloads) visit(payload)
    },
    scanStream: scan,
    async count() {
      const [row] = await store.query(`SELECT count(*) AS rows FROM ${store.opts.table}`)
      return row.rows
    },
    close: () => store.disconnect()
  }
}
