/** The part of a `Worker` or a `MessagePort` that a link needs. */
export interface LinkPort {
  postMessage(value: Uint8Array, transfer: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (value: unknown) => void): unknown
  off(event: 'message', listener: (value: unknown) => void): unknown
}
