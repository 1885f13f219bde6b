/**
 * Owns the calls under way by their numbers. Numbers are given in order and are not used twice, so a call is found by the
 * last bits of its number. A `Map` would leave a trail of outgrown tables that keep finished calls alive until the next
 * full garbage collection.
 */

const INITIAL_SLOTS = 64

export class CallTable<Call extends { readonly id: number }> {
  #slots: (Call | undefined)[] = emptySlots(INITIAL_SLOTS)
  /**
   * Calls whose slot another call has. The sender skips numbers whose slots are taken in its own table, so there are few
   * here, unless a broken sender numbers as it likes.
   */
  readonly #crowdedOut = new Map<number, Call>()
  #size = 0
  #lastId = 0

  get size(): number {
    return this.#size
  }

  /** A number whose slot is free. */
  nextId(): number {
    this.#makeRoom()
    do this.#lastId = (this.#lastId + 1) >>> 0
    while (this.#slots[this.#lastId & (this.#slots.length - 1)] !== undefined)
    return this.#lastId
  }

  /** @throws RangeError when there is a call of this number */
  add(call: Call): void {
    if (this.get(call.id) !== undefined) throw new RangeError(`call ${call.id} is under way already`)
    this.#makeRoom()
    this.#place(call)
    this.#size++
  }

  get(id: number): Call | undefined {
    const call = this.#slots[id & (this.#slots.length - 1)]
    if (call?.id === id) return call
    return this.#crowdedOut.size === 0 ? undefined : this.#crowdedOut.get(id)
  }

  /** Removes and returns a call; `undefined` when it is not there any more. */
  take(id: number): Call | undefined {
    const call = this.get(id)
    if (call === undefined) return undefined
    const at = id & (this.#slots.length - 1)
    if (this.#slots[at] === call) this.#slots[at] = undefined
    else this.#crowdedOut.delete(id)
    this.#size--
    return call
  }

  /** Removes and returns all calls, in no particular order. */
  clear(): Call[] {
    const calls = this.#all()
    this.#slots = emptySlots(INITIAL_SLOTS)
    this.#crowdedOut.clear()
    this.#size = 0
    return calls
  }

  #all(): Call[] {
    return [...this.#slots.filter((call) => call !== undefined), ...this.#crowdedOut.values()]
  }

  #place(call: Call): void {
    const at = call.id & (this.#slots.length - 1)
    if (this.#slots[at] === undefined) this.#slots[at] = call
    else this.#crowdedOut.set(call.id, call)
  }

  /** Doubles the slots when half of them are taken. */
  #makeRoom(): void {
    if (this.#size * 2 < this.#slots.length) return
    const calls = this.#all()
    this.#slots = emptySlots(this.#slots.length * 2)
    this.#crowdedOut.clear()
    for (const call of calls) this.#place(call)
  }
}

function emptySlots<Call>(count: number): (Call | undefined)[] {
  return new Array<Call | undefined>(count).fill(undefined)
}
