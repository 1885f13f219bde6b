/** Owns how far along the events of a journal somebody is, the journal itself or a checkpoint, and who waits for that. */
import { onAbort } from '../../runtime/cancel-signals.js'
import type { CancelSignal } from '../../runtime/platform.js'
import { PersistencyError } from '../errors.js'

/** Why waiting ended without the event being there. */
export type WaitEnd = 'closed' | 'aborted' | PersistencyError

/** What to tell whoever waited: `undefined` when it was closed. `what` names the waiting that the signal aborted. */
export function errorOfEnd(
  end: WaitEnd,
  what: string,
  signal: CancelSignal | undefined
): PersistencyError | undefined {
  if (end !== 'aborted') return end === 'closed' ? undefined : end
  return new PersistencyError('ERR_ABORTED', `${what} was aborted by its caller`, { cause: signal?.reason })
}

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
      let leave = (): void => {}
      const waiter: Waiter = {
        seq,
        settle: (end) => {
          this.#waiters.delete(waiter)
          leave()
          resolve(end)
        }
      }
      this.#waiters.add(waiter)
      leave = onAbort(signal, () => waiter.settle('aborted'))
    })
  }
}
