/**
 * Owns noticing that a database is no longer where it was opened. A file that somebody moves, replaces or deletes lives
 * on for whoever has it open: SQLite would go on storing rows that nobody can find again, and say that all is well.
 */
import { type BigIntStats, statSync } from 'node:fs'

/** The code of SQLite for it. */
export const MOVED = 'SQLITE_READONLY_DBMOVED'

export class OpenedFile {
  readonly #path: string
  readonly #opened: BigIntStats | undefined

  /** @param path of a file that is open, or what stands for one where there is none */
  constructor(path: string) {
    this.#path = path
    this.#opened = look(path)
  }

  /** Whether the path leads to the file that was opened, which nobody may have had open since. */
  get inPlace(): boolean {
    const now = look(this.#path)
    return this.#isOpened(now) && this.#isAsOld(now)
  }

  /** Throws, with a code like those of SQLite, when the path leads to another file or to none. Takes microseconds. */
  requireInPlace(): void {
    if (this.#opened === undefined) return
    const now = look(this.#path)
    if (this.#isOpened(now)) return
    const what = now === undefined ? 'is no longer there' : 'is no longer the file that was opened'
    throw Object.assign(new Error(what), { code: MOVED })
  }

  #isOpened(now: BigIntStats | undefined): boolean {
    return this.#opened === undefined || (now?.ino === this.#opened.ino && now.dev === this.#opened.dev)
  }

  /** The number of a file that is gone may be given to another. Where no time of birth is kept, the last change stands in. */
  #isAsOld(now: BigIntStats | undefined): boolean {
    const opened = this.#opened
    if (opened === undefined || opened.birthtimeNs === opened.ctimeNs) return true
    return now?.birthtimeNs === opened.birthtimeNs
  }
}

function look(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })
}
