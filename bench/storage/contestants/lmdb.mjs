/** LMDB: reads in the same thread, writes in its own. With `noSync` no commit waits for the disk. */
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import { eachChunk } from '../trials/data.mjs'

export function open(directory) {
  const db = openLmdb({
    path: join(directory, 'bench.mdb'),
    encoding: 'binary',
    keyEncoding: 'binary',
    noSync: true
  })
  /** Puts are applied in order: the last one stands for all. */
  async function putAll(keys, payloads) {
    let last
    for (let i = 0; i < keys.length; i++) last = db.put(keys[i], payloads[i])
    await last
  }
  return {
    key: (text) => Buffer.from(text),
    putAll,
    putAtOnce: putAll,
    putBatches: (keys, payloads) =>
      eachChunk(keys.length, 1000, (from, to) =>
        db.transaction(() => {
          for (let i = from; i < to; i++) db.put(keys[i], payloads[i])
        })
      ),
    put: (key, payload) => db.put(key, payload),
    get: (key) => db.get(key),
    /** In this thread, which is faster than `getMany`. */
    getMany: (keys) => keys.map((key) => db.get(key)),
    scanAll(visit) {
      for (const { value } of db.getRange({}).asArray) visit(value)
    },
    scanStream(visit) {
      for (const { value } of db.getRange({})) visit(value)
    },
    count: () => db.getCount({}),
    close: () => db.close()
  }
}
