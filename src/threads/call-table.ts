/**
 * Owns the calls under way by their numbers. Numbers are given in order and are not used twice, so a call is found by the
 * last bits of its number. A `Map` would leave a trail of outgrown tables that keep finished calls alive until the next
 * full garbage collection.
 */

const INITIAL_SLOTS = 64

/** Numbers are unsigned and have 32 bits. */
const MOST_SLOTS = 2 ** 31

export class CallTable<Call extends { readonly id: number }> {
  #slots: (Call | undefined)[] = emptySlots(INITIAL_SLOTS)
  #size = 0
  #lastId = 0

  get size(): number {
    return this.#size
  }

  /** A number whose place is free. */
  nextId(): number {
    if (this.#size * 2 >= this.#slots.length) this.#grow()
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#slots[this.#lastId & (this.#slots.length - 1)] !== undefined)
    return this.#lastId
  }

  add(call: Call): void {
    while (this.#slots[call.id & (this.#slots.length - 1)] !== undefined) this.#grow()
    this.#slots[call.id & (this.#slots.length - 1)] = call
    this.#size++
  }

  get(id: number): Call | undefined {
    const call = this.#slots[id & (this.#slots.length - 1)]
    return call?.id === id ? call : undefined
  }

  /** Takes a call out; answers `undefined` when it is not there any more. */
  take(id: number): Call | undefined {
    const call = this.get(id)
    if (call === undefined) return undefined
    this.#slots[id & (this.#slots.length - 1)] = undefined
    this.#size--
    return call
  }

  /** Takes all calls out, in no particular order. */
  clear(): Call[] {
    const calls = this.#slots.filter((call) => call !== undefined)
    this.#slots = emptySlots(INITIAL_SLOTS)
    this.#size = 0
    return calls
  }

  /** Calls that had different places have different places in a larger table. */
  #grow(): void {
    if (this.#slots.length >= MOST_SLOTS)
      throw new RangeError('too many calls under way, or one number twice')
    const larger = emptySlots<Call>(this.#slots.length * 2)
    for (const call of this.#slots) if (call !== undefined) larger[call.id & (larger.length - 1)] = call
    this.#slots = larger
  }
}

function emptySlots<Call>(count: number): (Call | undefined)[] {
  return new Array<Call | undefined>(count).fill(undefined)
}
