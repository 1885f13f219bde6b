/** Owns what bytes are whatever a subclass says of them: a `length` that lies would shift everything behind them. */

const { get: lengthGetter } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'length'
) as { get(this: Uint8Array): number }

/** As long as the engine knows them to be; 0 when their memory is gone. Takes longer than to read a `length`. */
export function lengthOf(bytes: Uint8Array): number {
  return lengthGetter.call(bytes)
}

/** What stands for a copy that could not be made: bytes whose memory is gone. */
const GONE = new Uint8Array(0)
structuredClone(GONE.buffer, { transfer: [GONE.buffer] })

/** The bytes as they are if their class is known, a copy otherwise. Whether their memory is there is left to who checks it. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  try {
    // Much quicker than to ask for the prototype.
    const made: unknown = bytes.constructor
    if (made === Uint8Array || made === Buffer) return bytes
    return new Uint8Array(bytes)
  } catch {
    return GONE
  }
}
