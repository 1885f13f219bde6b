/** Owns putting packed rows that are read one by one together, as SQLite does with those that it reads together. */

const NOTHING = new Uint8Array()

export class RowPacker {
  readonly #room: number
  #bytes: Uint8Array = NOTHING
  #used = 0

  /** @param room bytes to set aside; what is not used up stays with the rows */
  constructor(room: number) {
    this.#room = room
  }

  /** How many bytes there are. */
  get used(): number {
    return this.#used
  }

  /** The rows, in memory that nothing else uses. */
  get packed(): Uint8Array {
    return this.#bytes.subarray(0, this.#used)
  }

  /** Adds a packed row, which nothing else uses, if there is room for it; there is for the first, however large. */
  add(row: Uint8Array): boolean {
    if (this.#used === 0) this.#begin(row)
    else if (this.#used + row.length > this.#bytes.length) return false
    else this.#bytes.set(row, this.#used)
    this.#used += row.length
    return true
  }

  #begin(row: Uint8Array): void {
    if (row.length >= this.#room) {
      this.#bytes = row
      return
    }
    // Not filled with zeros first.
    this.#bytes = Buffer.allocUnsafeSlow(this.#room)
    this.#bytes.set(row)
  }
}
