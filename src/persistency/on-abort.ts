/** Owns following the signal of a caller, which may have fired already, and may stop many calls. */
import { allowManyListeners } from '../runtime/many-listeners.js'
import type { CancelSignal } from '../runtime/platform.js'

/** Calls when the signal fires, at once when it has; not any more after the answer was called. */
export function onAbort(signal: CancelSignal | undefined, aborted: () => void): () => void {
  if (signal?.aborted) aborted()
  if (signal === undefined || signal.aborted) return () => {}
  allowManyListeners(signal)
  signal.addEventListener('abort', aborted)
  return () => signal.removeEventListener('abort', aborted)
}
