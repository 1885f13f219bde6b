/**
 * Owns what one side of a link sends to the other at once: messages, and the large byte values that they refer to, whose
 * memory is transferred instead of copied.
 */

/** Messages alone, or followed by the byte values attached to them. */
export type Frame = Uint8Array | readonly [messages: Uint8Array, ...attached: Uint8Array[]]

const NOTHING: readonly Uint8Array[] = []

export function isFrame(value: unknown): value is Frame {
  if (ArrayBuffer.isView(value)) return true
  return Array.isArray(value) && value.length > 0 && value.every((part) => ArrayBuffer.isView(part))
}

export function messagesOf(frame: Frame): Uint8Array {
  return ArrayBuffer.isView(frame) ? frame : frame[0]
}

export function attachedTo(frame: Frame): readonly Uint8Array[] {
  return ArrayBuffer.isView(frame) ? NOTHING : (frame.slice(1) as Uint8Array[])
}

/** The size in all. */
export function bytesOf(frame: Frame): number {
  if (ArrayBuffer.isView(frame)) return frame.byteLength
  return frame.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

/** The memory that is transferred with a frame. */
export function memoryOf(frame: Frame): ArrayBuffer[] {
  if (ArrayBuffer.isView(frame)) return [frame.buffer as ArrayBuffer]
  return [...new Set(frame.map(({ buffer }) => buffer as ArrayBuffer))]
}
