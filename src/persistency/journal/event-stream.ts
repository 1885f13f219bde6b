/** Owns reading the events of a journal in order, up to what is there or on and on. */
import type { Observable } from 'rxjs'
import { PagedIterator } from '../reading/paged-iterator.js'
import { pagedObservable } from '../reading/paged-observable.js'
import { decodeEvent } from './event-codec.js'
import { type EventPagesParts, readEventPages } from './event-pages.js'
import type { CaughtUp, EventsOptions, JournalEvent } from './types.js'

/**
 * Events of a journal: iterate it with `for await`, or take its Observable. Each iteration and each subscription reads
 * for itself, page by page, and holds one page: a slow reader is behind, it makes nobody wait and nothing pile up.
 */
export class EventStream<Item extends JournalEvent | CaughtUp = JournalEvent> implements AsyncIterable<Item> {
  readonly #options: EventsOptions | undefined
  readonly #parts: EventPagesParts

  /** Made by `Job.events`. @internal */
  constructor(options: EventsOptions | undefined, parts: EventPagesParts) {
    this.#options = options
    this.#parts = parts
  }

  /** Iterating throws the {@link PersistencyError} that ends it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item> {
    return new PagedIterator((signal) => this.#items(signal), this.#options)
  }

  /**
   * The same as an Observable: cold, errors with a {@link PersistencyError}. Unsubscribing ends the reading. A page of
   * events is delivered in one turn.
   */
  toObservable(): Observable<Item> {
    return pagedObservable(this.#options, (signal) => this.#items(signal))
  }

  async *#items(signal: EventsOptions['signal']): AsyncGenerator<readonly Item[], void, undefined> {
    for await (const page of readEventPages(this.#options, signal, this.#parts)) {
      if ('kind' in page) yield [page as Item]
      else yield page.map((event) => decodeEvent(event) as Item)
    }
  }
}
