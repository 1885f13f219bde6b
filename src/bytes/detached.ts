/** Owns telling bytes whose memory is gone, given away by `postMessage` or cut off by `resize`, from no bytes. */

/** Stands for attached bytes whose memory was given away before they were sent. */
export const GIVEN_AWAY = 0xffff_ffff

/** Whether the memory of bytes was given to another thread, or is out of bounds now: they have a length of 0 then. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false
  try {
    new Uint8Array(bytes)
    return false
  } catch {
    return true
  }
}
