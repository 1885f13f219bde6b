import type { Frame } from './frame.js'

/** `messageerror` is of values that could not be deserialized. */
export type PortEvent = 'message' | 'messageerror'

/** The part of a `Worker` or a `MessagePort` that a link needs. */
export interface LinkPort {
  postMessage(frame: Frame, transfer: readonly ArrayBuffer[]): void
  /** Sends a small frame without transferring its memory; `false` when it has to be posted. */
  tryPost?(frame: Uint8Array): boolean
  on(event: PortEvent, listener: (value: unknown) => void): unknown
  off(event: PortEvent, listener: (value: unknown) => void): unknown
}
