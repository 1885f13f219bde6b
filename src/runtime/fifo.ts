/** Owns a queue with constant-time push and shift: an array whose used-up front is cut off now and then. */

const CUT_AT = 1024

export class Fifo<T> {
  #items: T[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): T | undefined {
    return this.#items[this.#head]
  }

  get last(): T | undefined {
    return this.size === 0 ? undefined : this.#items[this.#items.length - 1]
  }

  /** The item at a position, counted from the front. */
  at(position: number): T | undefined {
    return this.#items[this.#head + position]
  }

  /** Those that are there now, in order. */
  get items(): readonly T[] {
    return this.#items.slice(this.#head)
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined as T
    this.#head++
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head >= CUT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Puts an item in the place of another, counted from the front; answers the former one. */
  replace(position: number, item: T): T | undefined {
    if (position < 0 || position >= this.size) return undefined
    const former = this.#items[this.#head + position]
    this.#items[this.#head + position] = item
    return former
  }
}
