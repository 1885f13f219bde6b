/**
 * Owns noticing that a database is no longer where it was opened. A file that somebody moves, replaces or deletes lives
 * on for whoever has it open: SQLite would go on storing rows that nobody can find again, and say that all is well.
 */
import { type Stats, statSync } from 'node:fs'

/** The code of SQLite for it. */
export const MOVED = 'SQLITE_READONLY_DBMOVED'

export class OpenedFile {
  readonly #path: string
  readonly #opened: Stats | undefined

  /** @param path of a file that is open, or what stands for one where there is none */
  constructor(path: string) {
    this.#path = path
    this.#opened = statSync(path, { throwIfNoEntry: false })
  }

  /** Whether the path leads to the file that was opened, as far as there is one. */
  get inPlace(): boolean {
    return this.#isOpened(statSync(this.#path, { throwIfNoEntry: false }))
  }

  /** Throws, with a code like those of SQLite, when the path leads to another file or to none. Takes microseconds. */
  requireInPlace(): void {
    if (this.#opened === undefined) return
    const now = statSync(this.#path, { throwIfNoEntry: false })
    if (this.#isOpened(now)) return
    const what = now === undefined ? 'is no longer there' : 'is no longer the file that was opened'
    throw Object.assign(new Error(what), { code: MOVED })
  }

  #isOpened(now: Stats | undefined): boolean {
    return this.#opened === undefined || (now?.ino === this.#opened.ino && now.dev === this.#opened.dev)
  }
}
