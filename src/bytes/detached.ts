/** Owns telling bytes whose memory was given away, as by `postMessage` with a transfer list, from no bytes. */

/** Whether the memory of bytes was given to another thread: they have a length of 0 then. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false
  try {
    new Uint8Array(bytes.buffer)
    return false
  } catch {
    return true
  }
}
