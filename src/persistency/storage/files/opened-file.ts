/**
 * Owns noticing that a database, or its log, is no longer where it was opened. A file that somebody moves, replaces or
 * deletes lives on for whoever has it open: SQLite would go on storing rows that nobody can find again, and say that all is
 * well.
 */
import { type BigIntStats, statSync } from 'node:fs'
import { MEMORY } from './root-dir.js'

/** The code of SQLite for it. */
export const MOVED = 'SQLITE_READONLY_DBMOVED'

/** How long a look at the path is good for, in milliseconds: a look takes a quarter of what a small transaction does. */
const LOOK_AGAIN_MS = 1

export class OpenedFile {
  readonly #path: string
  readonly #what: string
  readonly #opened: BigIntStats | undefined
  #seenAt = Number.NEGATIVE_INFINITY

  /**
   * @param path of a file that is open, or about to be, or what stands for one where there is none
   * @param what names it in messages, in which the path of the database comes first
   */
  constructor(path: string, what = '') {
    this.#path = path
    this.#what = what
    // A file of that name would be somebody else's.
    this.#opened = path === MEMORY ? undefined : this.#look()
  }

  /** Whether the path leads to the file that was opened, which nobody may have had open since; not if there was none. */
  get inPlace(): boolean {
    if (this.#path === MEMORY) return true
    const opened = this.#opened
    if (opened === undefined) return false
    const now = this.#look()
    if (!this.#isOpened(now)) return false
    // Where the file system does not say when a file was made, the last change stands in for it.
    const bornThen = opened.birthtimeNs !== opened.ctimeNs
    // The number of a file that is gone may be given to another.
    return !bornThen || now?.birthtimeNs === opened.birthtimeNs
  }

  /** Whether the path leads to that file, and nobody has written to it since. */
  get unchanged(): boolean {
    const now = this.#look()
    return this.#isOpened(now) && now?.mtimeNs === this.#opened?.mtimeNs && now?.size === this.#opened?.size
  }

  /** As `requireInPlace`, except that a file that was in place a moment ago is not looked for again. */
  requireStillInPlace(): void {
    if (this.#opened !== undefined && performance.now() - this.#seenAt >= LOOK_AGAIN_MS) this.requireInPlace()
  }

  /** Throws, with a code like those of SQLite, when the path leads to another file or to none. Takes microseconds. */
  requireInPlace(): void {
    if (this.#opened === undefined) return
    const now = this.#look()
    if (this.#isOpened(now)) {
      this.#seenAt = performance.now()
      return
    }
    const why = now === undefined ? 'is no longer there' : 'is no longer the file that was opened'
    throw moved(`${this.#what}${why}`)
  }

  #look(): BigIntStats | undefined {
    return statSync(this.#path, { bigint: true, throwIfNoEntry: false })
  }

  #isOpened(now: BigIntStats | undefined): boolean {
    return now?.ino === this.#opened?.ino && now?.dev === this.#opened?.dev
  }
}

/** The error of a database that is not where it was found, whose path comes first in messages. */
export function moved(why: string): Error {
  return Object.assign(new Error(why), { code: MOVED })
}
