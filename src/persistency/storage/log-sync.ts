/**
 * Owns bringing the write-ahead log to the disk beside the work of this thread. A checkpoint syncs the log before it
 * moves anything, and nothing else can be done meanwhile; what was synced before, it does not have to wait for.
 */
import { open } from 'node:fs/promises'
import { logOf } from './files/companions.js'

/** After so many pages; a checkpoint comes after 4000. */
const EVERY_PAGES = 1000

/**
 * Nobody tells how many pages a transaction has written, so this is a guess: some for the tree, one for each row until
 * there are many, and room for what the rows hold. Rows in random order write more, those in order less.
 */
const PAGES_OF_TREE = 3
const MOST_PAGES_OF_ROWS = 8
const BYTES_OF_PAGE = 4096

export class LogSync {
  readonly #log: string
  #pages = 0
  #running: Promise<void> | undefined

  /** @param file the database */
  constructor(file: string) {
    this.#log = logOf(file)
  }

  /** A transaction was committed. */
  wrote(rows: number, bytes: number): void {
    this.#pages += PAGES_OF_TREE + Math.min(rows, MOST_PAGES_OF_ROWS) + bytes / BYTES_OF_PAGE
    if (this.#pages < EVERY_PAGES || this.#running !== undefined) return
    this.#pages = 0
    this.#running = this.#sync()
  }

  /** Resolves when the log is not used any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** SQLite holds no locks on the log, so none is lost when it is closed here, as it would be with the database. */
  async #sync(): Promise<void> {
    try {
      const log = await open(this.#log, 'r')
      await log.datasync().finally(() => log.close())
    } catch {
      // The checkpoint syncs it as well, and tells what is wrong.
    }
    this.#running = undefined
  }
}
