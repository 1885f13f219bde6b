/** Owns listening to the signals of callers, of which one may stop any number of calls. */
import { setMaxListeners } from 'node:events'
import type { CancelSignal } from './platform.js'

/** Has Node.js not take many listeners of a signal for a leak. */
export function allowManyListeners(signal: CancelSignal): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // A signal of another make does not count its listeners.
  }
}
