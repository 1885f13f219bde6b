/** Owns copying the pages of a database into a file, some at a time, with its progress and the syncing of the file. */
import type { FileHandle } from 'node:fs/promises'
import type { Database } from 'better-sqlite3'
import { type Operation, throwIfEnded } from './operation.js'

/** Copied at a time; other calls have their turn in between. About a millisecond. */
const STEP_PAGES = 256

/** The copy is brought to the disk bit by bit, elsewhere: all at once, at the end, would hold up the storage thread. */
const SYNC_EVERY_PAGES = 2048

/** How often progress is told, in milliseconds. */
const TELL_EVERY_MS = 20

/** How a copy ends that was begun anew too often. */
const TOO_OFTEN = new Error('begun anew too often')

export interface PageCopyParts {
  readonly path: string
  /** The file at the path, to be synced. */
  readonly written: FileHandle
  readonly operation: Operation
  /** SQLite begins anew when another connection has written; `Infinity` where none does. */
  readonly maxRestarts: number
}

/** Answers whether the copy is complete: `false` when it was begun anew too often, and nothing is written then. */
export async function copyPages(db: Database, parts: PageCopyParts): Promise<boolean> {
  const { path, operation } = parts
  const pageSize = db.pragma('page_size', { simple: true }) as number
  const steps = new Steps(parts, pageSize)
  try {
    const { totalPages } = await db.backup(path, {
      progress: ({ totalPages, remainingPages }) => steps.did(totalPages, remainingPages)
    })
    // SQLite was refused a look at the file, and takes nothing for the whole.
    if (totalPages === 0) throw Object.assign(new Error('the database is locked'), { code: 'SQLITE_BUSY' })
    const total = totalPages * pageSize
    operation.progress({ phase: 'copying', done: total, total })
    return true
  } catch (thrown) {
    if (thrown === TOO_OFTEN) return false
    throw thrown
  } finally {
    await steps.syncing
  }
}

class Steps {
  readonly #parts: PageCopyParts
  readonly #pageSize: number
  #donePages = -1
  #restarts = 0
  #unsyncedPages = 0
  #toldAt = 0
  syncing: Promise<unknown> | undefined

  constructor(parts: PageCopyParts, pageSize: number) {
    this.#parts = parts
    this.#pageSize = pageSize
  }

  /** A step was done; answers how many pages the next one is to copy. */
  did(totalPages: number, remainingPages: number): number {
    const { operation, maxRestarts } = this.#parts
    throwIfEnded(operation)
    const donePages = totalPages - remainingPages
    if (donePages <= this.#donePages && ++this.#restarts > maxRestarts) throw TOO_OFTEN
    this.#donePages = donePages
    this.#unsyncedPages += STEP_PAGES
    if (this.#unsyncedPages >= SYNC_EVERY_PAGES && this.syncing === undefined) this.#sync()
    if (performance.now() - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldAt = performance.now()
      const [done, total] = [donePages * this.#pageSize, totalPages * this.#pageSize]
      operation.progress({ phase: 'copying', done, total })
    }
    return STEP_PAGES
  }

  #sync(): void {
    this.#unsyncedPages = 0
    const synced = (): void => {
      this.syncing = undefined
    }
    // What cannot be synced here fails where SQLite does it.
    this.syncing = this.#parts.written.sync().then(synced, synced)
  }
}
