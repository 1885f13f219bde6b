/**
 * Owns who listens to a signal, behind one listener of ours: one signal may stop many thousand calls, and Node.js looks
 * through all listeners of a signal whenever one is added.
 */
import { queueMicrotask } from './event-loop.js'
import type { CancelSignal } from './platform.js'

/** What hears of a signal that fires; an object to spare a closure. */
export type AbortListener = (() => void) | { handleEvent(): void }

const listenersOf = new WeakMap<CancelSignal, SignalListeners>()

/** @throws whatever a signal of another make throws; the listener is not added then */
export function addListener(signal: CancelSignal, listener: AbortListener): void {
  const present = listenersOf.get(signal)
  if (present !== undefined) {
    present.add(listener)
    return
  }
  const listeners = new SignalListeners(listener)
  // Before it is added to the signal, which may fire at once.
  listenersOf.set(signal, listeners)
  try {
    signal.addEventListener('abort', listeners)
  } catch (thrown) {
    listenersOf.delete(signal)
    throw thrown
  }
}

/** @throws whatever a signal of another make throws; the listener hears of nothing more all the same */
export function removeListener(signal: CancelSignal, listener: AbortListener): void {
  const listeners = listenersOf.get(signal)
  if (listeners?.remove(listener) !== true) return
  listenersOf.delete(signal)
  signal.removeEventListener('abort', listeners)
}

/** In the order in which they were added. Most signals have one, which is spared a set. */
class SignalListeners {
  #only: AbortListener | undefined
  #all: Set<AbortListener> | undefined

  constructor(first: AbortListener) {
    this.#only = first
  }

  add(listener: AbortListener): void {
    this.#all ??= new Set(this.#listed)
    this.#only = undefined
    this.#all.add(listener)
  }

  /** Returns whether none is left. */
  remove(listener: AbortListener): boolean {
    if (this.#only === listener) this.#only = undefined
    this.#all?.delete(listener)
    return this.#only === undefined && !this.#all?.size
  }

  /** The signal has fired. Who is removed meanwhile is not told, nor is who is added. */
  handleEvent(): void {
    for (const listener of this.#listed) {
      if (this.#only === listener || this.#all?.has(listener)) tell(listener)
    }
  }

  get #listed(): AbortListener[] {
    if (this.#all !== undefined) return [...this.#all]
    return this.#only === undefined ? [] : [this.#only]
  }
}

/** Has a listener hear that its signal has fired. */
export function notify(listener: AbortListener): void {
  if (typeof listener === 'function') listener()
  else listener.handleEvent()
}

/** What one throws is nobody's to catch, as with listeners of the signal itself, and keeps none of the others from hearing. */
function tell(listener: AbortListener): void {
  try {
    notify(listener)
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown
    })
  }
}
