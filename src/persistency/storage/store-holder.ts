/** Owns the database of one job on its thread, which may be closed between two uses. */
import { existsSync } from 'node:fs'
import type { Database } from 'better-sqlite3'
import { PersistencyError } from '../errors.js'
import { isBusy, type Patient } from './busy.js'
import { openDatabase } from './files/database-file.js'
import { provideFile, takeBack } from './files/job-file.js'
import { MOVED, OpenedFile } from './files/opened-file.js'
import type { JournalLog } from './journal/journal-log.js'
import { findJournal, openJournal } from './journal/open-journal.js'
import type { OpenStore, OpenStores } from './open-stores.js'
import { inOneGo, type Pieces } from './pieces.js'
import { codeOf, storageError } from './sqlite-errors.js'
import { SqliteStore } from './sqlite-store.js'
import type { ServeStart } from './start.js'

/** So often a job is opened anew whose file is taken away meanwhile. */
const MOST_ATTEMPTS = 10

export class StoreHolder implements OpenStore {
  readonly #stores: OpenStores
  readonly #start: ServeStart
  readonly #patient: Patient
  #store: SqliteStore | undefined
  /** Whether the file was open before, for this job. */
  #known: boolean
  /** Whether this opening of the job made the file. */
  #made = false
  /** The file, once it was opened. */
  #file: OpenedFile | undefined
  #keepers = 0
  #pausing = false
  /** Counted by the journal while the database was open. */
  #outsideCommits = 0

  /** @param shared whether other jobs are served on this thread */
  constructor(stores: OpenStores, start: ServeStart, patient: Patient, shared: boolean) {
    this.#stores = stores
    this.#start = start
    // Who shares the thread must not block it; nor must SQLite itself.
    this.#patient = shared ? { ...patient, busyTimeoutMs: 0 } : patient
    this.#known = start.restart?.again ?? false
  }

  /** Whether the database may be closed while others need its place. */
  get closable(): boolean {
    return this.#keepers === 0 && !this.#pausing && this.#start.options.whenIdle === 'close'
  }

  /** Whether the database is open. */
  get isOpen(): boolean {
    return this.#store !== undefined
  }

  /** Whether somebody has it stay open. */
  get isKept(): boolean {
    return this.#keepers > 0
  }

  /** Whether a transaction is under way, during which others have their turn. */
  get inTransaction(): boolean {
    return this.#store?.inTransaction ?? false
  }

  /** Whether others have their turn during a transaction: the database stays open meanwhile. */
  set pausing(pausing: boolean) {
    if (pausing === this.#pausing) return
    this.#pausing = pausing
    this.#keepersChanged()
  }

  /** Has the database stay open until the answer is called, even where that is one more than there may be. */
  keepOpen(): () => void {
    this.#keepers++
    this.#keepersChanged()
    return () => {
      this.#keepers--
      this.#keepersChanged()
    }
  }

  /** The open database; opens it when it is closed. Throws `PersistencyError`. */
  open(): SqliteStore {
    this.#stores.used(this)
    this.#store ??= inOneGo(this.#reopen())
    return this.#store
  }

  /**
   * Opens it for the first time, with a `pause` between the pieces of what takes long, and answers what `use` makes of it: it
   * may be closed for others right after that. Throws `PersistencyError`.
   */
  async openInPieces<T>(pause: () => Promise<unknown>, use: (store: SqliteStore) => T): Promise<T> {
    // Nobody can close what is half open.
    const letGo = this.keepOpen()
    try {
      const opening = this.#reopen()
      for (;;) {
        const step = opening.next()
        if (step.done) {
          this.#store = step.value
          return use(step.value)
        }
        if (!this.#patient.urgent()) await pause()
      }
    } finally {
      letGo()
    }
  }

  /** Brings the write-ahead log into the file, as far as others allow; closing has done it already. */
  checkpoint(): boolean {
    return this.#store?.checkpoint() ?? true
  }

  /** Closes the database if it is open. Never within a transaction. */
  close(): void {
    const store = this.#store
    if (store === undefined) return
    this.#store = undefined
    this.#outsideCommits = store.journal?.outsideCommits ?? this.#outsideCommits
    this.#stores.left(this)
    store.close()
  }

  /** Closes the database of an opening that came to nothing, and takes the file back if it was made by that. */
  giveUp(): void {
    this.close()
    if (this.#made) takeBack(this.#start.file)
  }

  #keepersChanged(): void {
    if (this.#store !== undefined) this.#stores.changed(this, this.#start.maxOpen)
  }

  *#reopen(): Pieces<SqliteStore> {
    const { file, maxOpen } = this.#start
    // A file that has gone since the job was opened is a loss, not a new job.
    if (this.#known && !existsSync(file)) {
      const message = `${file}: was removed while the job did not have it open; close the job, and open it to begin anew`
      throw new PersistencyError('ERR_OPEN', message, { backendCode: 'ENOENT' })
    }
    if (this.#file?.inPlace === false) {
      const message = `${file}: was replaced while the job did not have it open; close the job, and open it to go on with what is there`
      throw new PersistencyError('ERR_OPEN', message, { backendCode: MOVED })
    }
    this.#stores.enter(this, maxOpen)
    try {
      const store = yield* this.#openFile()
      this.#known = true
      this.#file ??= store.file
      return store
    } catch (thrown) {
      this.#stores.left(this)
      throw thrown
    }
  }

  /** Begins anew where another owner has dropped or replaced the file meanwhile, of which this job knows nothing yet. */
  *#openFile(): Pieces<SqliteStore> {
    const { file, options } = this.#start
    for (let attempt = 1; ; attempt++) {
      let made = false
      let found: OpenedFile | undefined
      try {
        made = provideFile(this.#start, options.create && !this.#known)
        found = new OpenedFile(file)
        const store = yield* this.#openFound(found)
        this.#made ||= made
        return store
      } catch (thrown) {
        const gone = hasGone(found, thrown)
        if (gone && !this.#known && attempt < MOST_ATTEMPTS) continue
        // Who holds a lock is about to use the file.
        if (made && !gone && !isBusy(thrown)) takeBack(file, found)
        throw thrown
      }
    }
  }

  *#openFound(found: OpenedFile): Pieces<SqliteStore> {
    const { file, options } = this.#start
    const db = openDatabase(this.#start, this.#patient, () => found.requireInPlace())
    const journal = yield* journalOf(db, found, this.#start, this.#patient, this.#known, this.#outsideCommits)
    return new SqliteStore(db, this.#patient, {
      journal,
      findJournal: () => findJournal(db, file),
      rowCacheBytes: options.rowCacheBytes
    })
  }
}

/** Whether an opening has failed over a file that is no longer in its place; `found` is undefined until it was found. */
function hasGone(found: OpenedFile | undefined, thrown: unknown): boolean {
  if (found === undefined) {
    const code = thrown instanceof PersistencyError ? thrown.backendCode : codeOf(thrown)
    return code === 'ENOENT'
  }
  try {
    return !found.inPlace
  } catch {
    return false
  }
}

/** The journal of a database that has just been opened, if it has one. Closes one that is not, or no longer, in place. */
function* journalOf(
  db: Database,
  found: OpenedFile,
  { file, options }: ServeStart,
  patient: Patient,
  again: boolean,
  outsideCommits: number
): Pieces<JournalLog | undefined> {
  try {
    // Whoever made the file may have taken it back while this one waited for it.
    found.requireInPlace()
    return yield* openJournal(db, file, options.journal, patient, again, outsideCommits)
  } catch (thrown) {
    db.close()
    throw storageError('ERR_OPEN', file, thrown)
  }
}
