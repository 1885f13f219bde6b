/** Owns that what is done to one thing in this process is done one after another, in the order in which it was asked for. */

/** Lines of work of one kind; things have a place and a name there. */
export class Lines {
  /** The last piece of work on each thing that has work. */
  readonly #ends = new WeakMap<object, Map<string, Promise<unknown>>>()

  /** Does `work` when everything before it, for the same thing, has come to its end. */
  behind<T>(place: object, name: string, work: () => Promise<T>): Promise<T> {
    const ends = this.#ends.get(place) ?? new Map<string, Promise<unknown>>()
    this.#ends.set(place, ends)
    const done = (ends.get(name) ?? Promise.resolve()).then(work)
    const over = done.catch(() => {})
    ends.set(name, over)
    void over.then(() => {
      if (ends.get(name) === over) ends.delete(name)
    })
    return done
  }
}
