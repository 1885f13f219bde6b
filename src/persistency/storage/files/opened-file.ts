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
  /** When the file was made; `undefined` where the file system does not say, so that the last change stands in for it. */
  readonly #born: bigint | undefined

  /** @param path of a file that is open, or about to be, or what stands for one where there is none */
  constructor(path: string) {
    this.#path = path
    this.#opened = statSync(path, { throwIfNoEntry: false })
    const exact = statSync(path, { bigint: true, throwIfNoEntry: false })
    this.#born = exact?.birthtimeNs === exact?.ctimeNs ? undefined : exact?.birthtimeNs
  }

  /** Whether the path leads to the file that was opened, which nobody may have had open since. */
  get inPlace(): boolean {
    if (this.#opened === undefined) return true
    if (!this.#isOpened(statSync(this.#path, { throwIfNoEntry: false }))) return false
    // The number of a file that is gone may be given to another.
    const now = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    return this.#born === undefined || now?.birthtimeNs === this.#born
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
    return now?.ino === this.#opened?.ino && now?.dev === this.#opened?.dev
  }
}
