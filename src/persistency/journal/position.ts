/** Owns how far along the events of a journal somebody is, the journal itself or a checkpoint, and who waits for that. */
import { allowManyListeners } from '../../runtime/many-listeners.js'
import type { CancelSignal } from '../../runtime/platform.js'
import type { PersistencyError } from '../errors.js'

/** Why waiting ended without the event being there. */
export type WaitEnd = 'closed' | 'aborted' | PersistencyError

interface Waiter {
  readonly seq: number
  readonly settle: (end: WaitEnd | undefined) => void
}

export class Position {
  #lastSeq = 0
  #end: WaitEnd | undefined
  readonly #waiters = new Set<Waiter>()

  /** Events up to `lastSeq` are there; that more are may be known already. */
  advance(lastSeq: number): void {
    if (lastSeq > this.#lastSeq) this.goTo(lastSeq)
  }

  /** Events up to `lastSeq`, and no more than these, count. */
  goTo(lastSeq: number): void {
    this.#lastSeq = lastSeq
    for (const waiter of [...this.#waiters]) if (waiter.seq <= lastSeq) waiter.settle(undefined)
  }

  /** It goes no further. */
  end(end: 'closed' | PersistencyError): void {
    this.#end = end
    for (const waiter of [...this.#waiters]) waiter.settle(end)
  }

  /** Resolves when an event is reached, or with the reason why there is no point in waiting any more. */
  reached(seq: number, signal: CancelSignal | undefined): Promise<WaitEnd | undefined> {
    if (signal?.aborted) return Promise.resolve('aborted')
    if (seq <= this.#lastSeq || this.#end !== undefined) {
      return Promise.resolve(seq <= this.#lastSeq ? undefined : this.#end)
    }
    return new Promise((resolve) => {
      const onAbort = (): void => waiter.settle('aborted')
      const waiter: Waiter = {
        seq,
        settle: (end) => {
          this.#waiters.delete(waiter)
          signal?.removeEventListener('abort', onAbort)
          resolve(end)
        }
      }
      this.#waiters.add(waiter)
      if (signal === undefined) return
      allowManyListeners(signal)
      signal.addEventListener('abort', onAbort)
    })
  }
}
