/** Owns what `Job.watch` answers: something to iterate, or to subscribe to. */
import type { Observable } from 'rxjs'
import type { KeyRange } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import { PagedIterator } from '../reading/paged-iterator.js'
import { pagedObservable } from '../reading/paged-observable.js'
import { checkQuery } from '../validate.js'
import { checkWatchOptions } from './checks.js'
import type { WatchItem, WatchOptions } from './types.js'
import { type WatchParts, watchItems } from './watch-items.js'

/**
 * Committed changes of a range: iterate it with `for await`, or take its Observable. Each iteration and each
 * subscription watches for itself, from its first `next` on, and frees everything when it ends.
 */
export class WatchStream implements AsyncIterable<WatchItem> {
  readonly #category: string
  readonly #range: KeyRange | Key
  readonly #options: WatchOptions | undefined
  readonly #parts: WatchParts

  /** Made by `Job.watch`. @internal */
  constructor(category: string, range: KeyRange | Key, options: WatchOptions | undefined, parts: WatchParts) {
    this.#category = category
    this.#range = range
    this.#options = options
    this.#parts = parts
  }

  /** Iterating throws the `PersistencyError` that ends it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WatchItem> {
    return new PagedIterator((signal) => this.#items(signal), this.#options)
  }

  /** The same as an Observable: cold, errors with a `PersistencyError`. Unsubscribing ends the watching. */
  toObservable(): Observable<WatchItem> {
    return pagedObservable(this.#options, (signal) => this.#items(signal))
  }

  async *#items(signal: WatchOptions['signal']): AsyncGenerator<readonly WatchItem[], void, undefined> {
    const query = checkQuery(this.#category, this.#range)
    if (query.isErr()) throw query.error
    const checked = checkWatchOptions(this.#options)
    if (checked.isErr()) throw checked.error
    yield* watchItems(query.value, checked.value, signal, this.#parts)
  }
}
