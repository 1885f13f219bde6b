/** Owns the two ways to take what is fetched page by page: iterating it, and an Observable. */
import type { Result } from 'neverthrow'
import { Observable } from 'rxjs'
import { unwrap } from '../../brokers/unwrap.js'
import type { CancelSignal } from '../../runtime/platform.js'
import { OwnStop } from './own-stop.js'
import { type OpenPages, PagedIterator } from './paged-iterator.js'

/** Each iteration and each subscription fetches for itself, from its first `next` on, and frees everything when it ends. */
export class PagedStream<Item> implements AsyncIterable<Item> {
  readonly #pages: OpenPages<unknown>
  readonly #turn: ((item: unknown) => Item) | undefined
  readonly #options: { readonly signal?: CancelSignal | undefined } | undefined

  /** @internal */
  constructor(
    pages: OpenPages<unknown>,
    options: { readonly signal?: CancelSignal | undefined } | undefined,
    turn?: (item: never) => Item
  ) {
    this.#pages = pages
    this.#turn = turn as ((item: unknown) => Item) | undefined
    this.#options = options
  }

  /** Iterating throws the `PersistencyError` that ends it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Item> {
    return new PagedIterator(this.#pages, this.#turn, this.#options)
  }

  /** A stream that is looked up whenever it is taken; that throws the error of the look. @internal */
  static of<Item>(
    look: () => Result<PagedStream<Item>, Error>,
    options: { readonly signal?: CancelSignal | undefined } | undefined
  ): PagedStream<Item> {
    const pages = async function* (signal: CancelSignal): AsyncGenerator<readonly Item[], void, undefined> {
      const stream = unwrap(look())
      for await (const page of stream.#pages(signal)) yield page.map((item) => stream.#turned(item))
    }
    return new PagedStream(pages, options)
  }

  /** The same, each item turned into another one; what `turn` throws ends it. @internal */
  map<Other>(turn: (item: Item) => Other): PagedStream<Other> {
    return new PagedStream(this.#pages, this.#options, (item: unknown) => turn(this.#turned(item)))
  }

  /**
   * The same as an Observable: cold, errors with a `PersistencyError`. Unsubscribing ends the reading. A page is
   * delivered in one turn.
   */
  toObservable(): Observable<Item> {
    return new Observable((subscriber) => {
      const stop = new OwnStop(this.#options)
      const deliver = async (): Promise<void> => {
        for await (const page of this.#pages(stop.follow())) {
          for (const item of page) {
            if (subscriber.closed) return
            if (stop.aborted !== undefined) throw stop.aborted
            subscriber.next(this.#turned(item))
          }
        }
      }
      deliver().then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error)
      )
      return () => {
        stop.release()
        stop.stop()
      }
    })
  }

  #turned(item: unknown): Item {
    return this.#turn === undefined ? (item as Item) : this.#turn(item)
  }
}
