import type { Frame } from './frame.js'

/** The part of a `Worker` or a `MessagePort` that a link needs. */
export interface LinkPort {
  postMessage(frame: Frame, transfer: readonly ArrayBuffer[]): void
  /** Sends a small frame without taking its memory over; `false` when it has to be posted. */
  tryPost?(frame: Uint8Array): boolean
  on(event: 'message', listener: (value: unknown) => void): unknown
  off(event: 'message', listener: (value: unknown) => void): unknown
}
