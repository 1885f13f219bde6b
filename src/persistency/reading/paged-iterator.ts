/** Owns handing out one by one what is fetched page by page. Written out: a generator costs several times as much per item. */
import type { CancelSignal } from '../../runtime/platform.js'
import { OwnStop } from './own-stop.js'

/** Fetches pages until the signal fires. */
export type OpenPages<T> = (signal: CancelSignal) => AsyncGenerator<readonly T[], void, undefined>

/** Calls are answered one after the other, also when they are made at once; `return` ends a `next` that waits. */
export class PagedIterator<Raw, T = Raw> implements AsyncIterableIterator<T> {
  readonly #open: OpenPages<Raw>
  readonly #turn: ((item: Raw) => T) | undefined
  readonly #stop: OwnStop
  #pages: AsyncGenerator<readonly Raw[], void, undefined> | undefined
  #page: readonly Raw[] = []
  #next = 0
  #last: Promise<unknown> | undefined
  #left = false

  /**
   * @param turn makes of an item what is handed out, if it is not that itself; what it throws ends the reading
   * @param options of the caller, whose signal stops it as well
   */
  constructor(
    open: OpenPages<Raw>,
    turn: ((item: Raw) => T) | undefined,
    options?: { readonly signal?: CancelSignal | undefined }
  ) {
    this.#open = open
    this.#turn = turn
    this.#stop = new OwnStop(options)
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#page[this.#next]
    if (item === undefined || this.#last !== undefined || this.#stop.aborted !== undefined)
      return this.#inTurn(() => this.#turnPage())
    this.#next++
    const turn = this.#turn
    if (turn === undefined) return Promise.resolve({ done: false, value: item as unknown as T })
    try {
      return Promise.resolve({ done: false, value: turn(item) })
    } catch (thrown) {
      return this.throw(thrown)
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#left = true
    this.#stop.stop()
    return this.#inTurn(async () => {
      await this.#leave()
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
    // Also of a page that had been fetched when the signal fired.
    const { aborted } = this.#stop
    if (aborted !== undefined) {
      await this.#end()
      throw aborted
    }
    const item = this.#page[this.#next++] as Raw
    try {
      return { done: false, value: this.#turn === undefined ? (item as unknown as T) : this.#turn(item) }
    } catch (thrown) {
      await this.#end()
      throw thrown
    }
  }

  async #end(): Promise<void> {
    this.#left = true
    this.#stop.stop()
    await this.#leave()
  }

  async #leave(): Promise<void> {
    this.#page = []
    await this.#pages?.return()
    this.#stop.release()
  }

  /** `undefined` when there is none. */
  async #nextPage(): Promise<readonly Raw[] | undefined> {
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
