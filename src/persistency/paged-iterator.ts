/** Owns handing out one by one what is fetched page by page. Written out: a generator costs several times as much per item. */

/** Calls are answered one after the other, also when they are made at once. */
export class PagedIterator<T> implements AsyncIterableIterator<T> {
  readonly #pages: AsyncGenerator<readonly T[], void, undefined>
  #page: readonly T[] = []
  #next = 0
  #last: Promise<unknown> | undefined

  constructor(pages: AsyncGenerator<readonly T[], void, undefined>) {
    this.#pages = pages
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
    return this.#inTurn(async () => {
      this.#page = []
      await this.#pages.return()
      return { done: true, value: undefined }
    })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #turnPage(): Promise<IteratorResult<T, undefined>> {
    while (this.#next >= this.#page.length) {
      const { done, value } = await this.#pages.next()
      if (done) return { done, value: undefined }
      this.#page = value
      this.#next = 0
    }
    return { done: false, value: this.#page[this.#next++] as T }
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
