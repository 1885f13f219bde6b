/**
 * Owns how many requests their callers gave up before the other side had come to them. They are counted by the frame that
 * they left in: asking for their number costs as much as frames were worked off since, however many requests there are.
 */
export class GivenUp {
  /** By frame. */
  readonly #counts = new Map<number, number>()
  #total = 0
  /** What was in this frame and those before it is not counted any more. */
  #forgotten = 0

  /** Counts a request of `frame`, unless the other side has come past it. */
  add(frame: number, workedOff: number): void {
    this.waiting(workedOff)
    if (frame <= workedOff) return
    this.#counts.set(frame, (this.#counts.get(frame) ?? 0) + 1)
    this.#total++
  }

  /** How many the other side has not come to yet. */
  waiting(workedOff: number): number {
    while (this.#total > 0 && this.#forgotten < workedOff) {
      const frame = ++this.#forgotten
      this.#total -= this.#counts.get(frame) ?? 0
      this.#counts.delete(frame)
    }
    // Frames without any need no look.
    this.#forgotten = workedOff
    return this.#total
  }
}
