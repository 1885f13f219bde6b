/** Owns listening to the abort signals of callers: one signal may stop any number of calls. */
import { setMaxListeners } from 'node:events'
import type { CancelSignal } from './platform.js'

/** Keeps Node.js from warning of a leak when a signal has many listeners. */
export function allowManyListeners(signal: CancelSignal): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // A signal that is not Node's own does not count its listeners.
  }
}
