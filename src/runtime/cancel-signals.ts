/**
 * Owns dealing with the signals of callers: one may stop any number of calls, and one of another make may throw, which
 * must not keep a call from its end.
 */
import type { CancelSignal } from './platform.js'
import { type AbortListener, addListener, notify, removeListener } from './signal-listeners.js'

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

/** Adds a listener. A signal that cannot be listened to counts as fired. */
export function addAbortListener(signal: CancelSignal, listener: AbortListener): void {
  try {
    addListener(signal, listener)
  } catch {
    notify(listener)
  }
}

/** Removes a listener, if there is a signal. */
export function removeAbortListener(signal: CancelSignal | undefined, listener: AbortListener): void {
  try {
    if (signal !== undefined) removeListener(signal, listener)
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
