/**
 * Owns which events are dealt with one by one, because a batch of them could not be stored together, and for which of
 * these the handler was called in it. By sequence number, because their page may be read again in between.
 */
import type { PackedEvent } from '../journal/message-payloads.js'

export class OneByOne {
  #upTo = 0
  #calledUpTo = 0

  /** @param called for how many of the events, from the first on, the handler was called */
  begin(events: readonly PackedEvent[], called: number): void {
    this.#upTo = events.at(-1)?.seq ?? 0
    this.#calledUpTo = events[called - 1]?.seq ?? 0
  }

  /** The same numbers are to be dealt with anew. */
  forget(): void {
    this.begin([], 0)
  }

  includes({ seq }: PackedEvent): boolean {
    return seq <= this.#upTo
  }

  /** Which call for the event the next one is. */
  attempt({ seq }: PackedEvent): number {
    return seq <= this.#calledUpTo ? 2 : 1
  }
}
