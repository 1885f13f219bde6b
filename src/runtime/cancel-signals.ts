/**
 * Owns dealing with the signals of callers: one may stop any number of calls, and one of another make may throw, which
 * must not keep a call from its end.
 */
import { setMaxListeners } from 'node:events'
import type { CancelSignal } from './platform.js'

/** What hears of a signal that fires; an object to spare a closure. */
export type AbortListener = (() => void) | { handleEvent(): void }

/** Whether a value is a signal, also one of another realm or make. */
export function isCancelSignal(value: unknown): value is CancelSignal {
  if (typeof value !== 'object' || value === null) return false
  try {
    const { aborted, addEventListener, removeEventListener } = value as Partial<CancelSignal>
    return (
      typeof aborted === 'boolean' &&
      typeof addEventListener === 'function' &&
      typeof removeEventListener === 'function'
    )
  } catch {
    return false
  }
}

/** Adds a listener, and has Node.js not take many of them for a leak. A signal that cannot be listened to counts as fired. */
export function addAbortListener(signal: CancelSignal, listener: AbortListener): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // A signal that is not Node's own does not count its listeners.
  }
  try {
    signal.addEventListener('abort', listener)
  } catch {
    if (typeof listener === 'function') listener()
    else listener.handleEvent()
  }
}

/** Removes a listener, if there is a signal. */
export function removeAbortListener(signal: CancelSignal | undefined, listener: AbortListener): void {
  try {
    signal?.removeEventListener('abort', listener)
  } catch {
    // It would only hear of what it has no use for any more.
  }
}

/** Calls when the signal fires, at once when it has; not any more after the answer was called. */
export function onAbort(signal: CancelSignal | undefined, aborted: () => void): () => void {
  if (signal?.aborted) aborted()
  if (signal === undefined || signal.aborted) return () => {}
  addAbortListener(signal, aborted)
  return () => removeAbortListener(signal, aborted)
}

/** Why a signal fired. */
export function reasonOf(signal: CancelSignal | undefined): unknown {
  try {
    return signal?.reason
  } catch (thrown) {
    return thrown
  }
}
