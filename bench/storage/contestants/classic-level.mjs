/** LevelDB in the thread pool. `sync` is false, as by default: no commit waits for the disk. */
import { ClassicLevel } from 'classic-level'
import { eachChunk } from '../trials/data.mjs'

/** Puts that are under way together, and rows of a page. More of either were no faster. */
const TOGETHER = 1000

export async function open(directory) {
  const options = { keyEncoding: 'utf8', valueEncoding: 'buffer', cacheSize: 32 * 1024 * 1024 }
  const db = new ClassicLevel(directory, options)
  await db.open()
  const putRange = (keys, payloads, from, to) => {
    const puts = []
    for (let i = from; i < to; i++) puts.push(db.put(keys[i], payloads[i]))
    return Promise.all(puts)
  }
  async function scanStream(visit) {
    const iterator = db.iterator({ highWaterMarkBytes: 1024 * 1024 })
    for (;;) {
      const page = await iterator.nextv(TOGETHER)
      if (page.length === 0) break
      for (const entry of page) visit(entry[1])
    }
    await iterator.close()
  }
  return {
    key: (text) => text,
    putAll: (keys, payloads) =>
      eachChunk(keys.length, TOGETHER, (from, to) => putRange(keys, payloads, from, to)),
    putAtOnce: (keys, payloads) => putRange(keys, payloads, 0, keys.length),
    putBatches: (keys, payloads) =>
      eachChunk(keys.length, 1000, (from, to) => {
        const batch = db.batch()
        for (let i = from; i < to; i++) batch.put(keys[i], payloads[i])
        return batch.write()
      }),
    put: (key, payload) => db.put(key, payload),
    get: (key) => db.get(key),
    getMany: (keys) => db.getMany(keys),
    async scanAll(visit) {
      const iterator = db.iterator({ highWaterMarkBytes: 1024 * 1024 })
      for (const entry of await iterator.all()) visit(entry[1])
    },
    scanStream,
    async count() {
      let rows = 0
      await scanStream(() => rows++)
      return rows
    },
    close: () => db.close()
  }
}
