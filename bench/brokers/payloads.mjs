/** What every contestant sends: an event of 512 bytes, and a small request with a small answer. */

export const EVENT_BYTES = new Uint8Array(512).fill(7)

/** Events that are sent before the sender waits until the other thread has them all. */
export const EVENTS_PER_BATCH = 16_384

export const order = (id) => ({ id: id + 1, item: 'lamp' })

export const answerTo = (asked) => ({ id: asked.id, inStock: true })
