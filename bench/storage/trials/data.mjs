/** Owns the rows that every contestant is given: 16-byte keys, and payloads of noise that are the same in every run. */

/** How many different payloads there are; row `i` has payload `i % PAYLOADS`. */
const PAYLOADS = 509
const KEY_BYTES = 16

export function keyText(index) {
  return String(index).padStart(KEY_BYTES, '0')
}

/** Each in memory of its own: a view of a shared buffer would cross threads with all of it. */
export function makePayloads(bytes) {
  const next = randomWords()
  return Array.from({ length: PAYLOADS }, () => {
    const payload = Buffer.alloc(bytes)
    for (let i = 0; i < bytes; i++) payload[i] = next()
    return payload
  })
}

/** The payloads of the rows with these indices; in another lap over the same rows, each has another one. */
export function payloadsOf(payloads, indices, lap = 0) {
  return Array.from(indices, (index) => payloads[(index + lap) % PAYLOADS])
}

/** So many indices, from `first` on. */
export function inOrder(count, first = 0) {
  return Uint32Array.from({ length: count }, (_, index) => first + index)
}

/** The same, in an order that is always the same and looks random. */
export function shuffled(count, first = 0) {
  const next = randomWords()
  const indices = inOrder(count, first)
  for (let i = count - 1; i > 0; i--) {
    const other = next() % (i + 1)
    const index = indices[i]
    indices[i] = indices[other]
    indices[other] = index
  }
  return indices
}

/** The xorshift generator, always with the same seed. */
function randomWords() {
  let word = 0x9e3779b9
  return () => {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    return word >>> 0
  }
}

/** Calls `work(from, to)` for each chunk of `count`, one after another. */
export async function eachChunk(count, size, work) {
  for (let from = 0; from < count; from += size) await work(from, Math.min(from + size, count))
}

/** Throws unless this is the payload of the row in that lap, byte for byte. */
export function checkPayload(payloads, index, payload, lap = 0) {
  const expected = payloads[(index + lap) % PAYLOADS]
  if (payload === undefined) throw new Error(`row ${index} is missing`)
  if (Buffer.compare(expected, payload) !== 0) throw new Error(`row ${index} has another payload`)
}
