/** Owns the proof that a store holds what it was given. */
import { checkPayload, keyText } from './data.mjs'

const SAMPLES = 100

/** Throws unless the store holds rows `0` to `count - 1`, of which some are looked at; `lapOf` tells in which lap a row was put last. */
export async function checkRows(store, payloads, count, lapOf = () => 0) {
  const stored = await store.count()
  if (stored !== count) throw new Error(`holds ${stored} rows instead of ${count}`)
  const step = Math.max(1, Math.floor(count / SAMPLES))
  for (let index = 0; index < count; index += step) {
    checkPayload(payloads, index, await store.get(store.key(keyText(index))), lapOf(index))
  }
}
