/** Owns handing out one by one what is fetched page by page. Written out: a generator costs several times as much per item. */
import type { CancelSignal } from '../../runtime/platform.js'
import { OwnStop } from './own-stop.js'

/** Fetches pages until the signal fires. */
export type OpenPages<T> = (signal: CancelSignal) => AsyncGenerator<readonly T[], void, undefined>

/** Calls are answered one after the other, also when they are made at once; `return` ends a `next` that waits. */
export class PagedIterator<T> implements AsyncIterableIterator<T> {
  readonly #open: OpenPages<T>
  readonly #stop: OwnStop
  #pages: AsyncGenerator<readonly T[], void, undefined> | undefined
  #page: readonly T[] = []
  #next = 0
  #last: Promise<unknown> | undefined
  #left = false

  /** @param options of the caller, whose signal stops it as well */
  constructor(open: OpenPages<T>, options?: { readonly signal?: CancelSignal | undefined }) {
    this.#open = open
    this.#stop = new OwnStop(options)
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#page[this.#next]
    if (item !== undefined && this.#last === undefined) {
      this.#next++
      return Promise.resolve({ done: false, value: item })
    }
    return this.#inTurn(() => this.#turnPage())
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#left = true
    this.#stop.stop()
    return this.#inTurn(async () => {
      this.#page = []
      await this.#pages?.return()
      this.#stop.release()
      return { done: true, value: undefined }
    })
  }

  async throw(error: unknown): Promise<never> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #turnPage(): Promise<IteratorResult<T, undefined>> {
    while (this.#next >= this.#page.length) {
      const page = this.#left ? undefined : await this.#nextPage()
      if (page === undefined) return { done: true, value: undefined }
      this.#page = page
      this.#next = 0
    }
    return { done: false, value: this.#page[this.#next++] as T }
  }

  /** `undefined` when there is none. */
  async #nextPage(): Promise<readonly T[] | undefined> {
    this.#pages ??= this.#open(this.#stop.follow())
    try {
      const { done, value } = await this.#pages.next()
      if (!done) return value
    } catch (thrown) {
      this.#stop.release()
      if (!this.#left) throw thrown
      return undefined
    }
    this.#stop.release()
    return undefined
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const answer = this.#last === undefined ? work() : this.#last.then(work, work)
    this.#last = answer
    const over = (): void => {
      if (this.#last === answer) this.#last = undefined
    }
    answer.then(over, over)
    return answer
  }
}
