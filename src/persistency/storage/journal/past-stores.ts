/** Owns the past states that are at hand: made when they are asked for, a little at a time, and let go of when unused. */
import { PersistencyError } from '../../errors.js'
import type { Stepwise } from '../../journal/message-payloads.js'
import type { SqliteStore } from '../sqlite-store.js'
import type { JournalLog } from './journal-log.js'
import { requireKept } from './page.js'
import { PastStore } from './past-store.js'

/** So many are kept; the one that was used least recently gives way. */
const MAX_KEPT = 4

/** One that nobody has used for so long is let go of, in milliseconds. */
const IDLE_MS = 30_000

/** Events that a state in the making needs are kept for so long after its last step, in milliseconds. */
const HELD_MS = 2000

/** How long one step may take, in milliseconds. */
const STEP_MS = 8

export class PastStores {
  /** By the event that is wanted, the least recently used first. */
  readonly #stores = new Map<number | 'last', PastStore>()
  readonly #usedAt = new Map<PastStore, number>()
  /** The journal that they are made of, as it was when they were. */
  #of: { readonly journal: JournalLog; readonly generation: number } | undefined
  #timer: NodeJS.Timeout | undefined
  #heldUntil = 0

  /** Whether a state is in the making, so that the journal must not lose events. */
  readonly held = (): boolean => performance.now() < this.#heldUntil

  /** The state as of an event, when it is ready; otherwise goes a step towards it. */
  at<T>(journal: JournalLog, seq: number, use: (store: SqliteStore) => T): Stepwise<T> {
    if (seq > journal.lastSeq) {
      const message = `event ${seq} is not there yet: the last one of the journal is ${journal.lastSeq}`
      throw new PersistencyError('ERR_SEQ', message)
    }
    this.#forgetOthers(journal)
    // The state as of the event before the first is the snapshot.
    if (this.#stores.get(seq)?.seq !== seq) requireKept(journal, seq + 1)
    return this.#use(journal, seq, seq, use)
  }

  /** The state as of the last event. */
  last<T>(journal: JournalLog, use: (store: SqliteStore) => T): Stepwise<T> {
    this.#forgetOthers(journal)
    return this.#use(journal, 'last', journal.lastSeq, use)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const name of [...this.#stores.keys()]) this.#drop(name)
  }

  /** What was made of events that were taken back since, or of a file that was closed in between, is worth nothing. */
  #forgetOthers(journal: JournalLog): void {
    const { generation } = journal
    if (this.#of?.journal === journal && this.#of.generation === generation) return
    for (const name of [...this.#stores.keys()]) this.#drop(name)
    this.#of = { journal, generation }
  }

  #use<T>(
    journal: JournalLog,
    name: number | 'last',
    seq: number,
    use: (store: SqliteStore) => T
  ): Stepwise<T> {
    const past = this.#take(journal, name, seq)
    const deadline = performance.now() + STEP_MS
    let ready: boolean
    try {
      ready = past.advance(journal, seq, () => performance.now() >= deadline)
    } catch (thrown) {
      this.#drop(name)
      throw thrown
    }
    this.#heldUntil = ready ? 0 : performance.now() + HELD_MS
    return ready ? { ready, value: use(past.store) } : { ready, ...past.progress(seq) }
  }

  #take(journal: JournalLog, name: number | 'last', seq: number): PastStore {
    let past = this.#stores.get(name)
    if (past !== undefined && past.seq !== seq && !past.fits(journal)) {
      this.#drop(name)
      past = undefined
    }
    this.#stores.delete(name)
    while (this.#stores.size >= MAX_KEPT) this.#drop(this.#stores.keys().next().value as number | 'last')
    past ??= new PastStore()
    this.#stores.set(name, past)
    this.#usedAt.set(past, performance.now())
    this.#timer ??= setTimeout(() => this.#dropIdle(), IDLE_MS).unref()
    return past
  }

  #dropIdle(): void {
    this.#timer = undefined
    for (const [name, past] of [...this.#stores]) {
      if (performance.now() - (this.#usedAt.get(past) ?? 0) >= IDLE_MS) this.#drop(name)
    }
    if (this.#stores.size > 0) this.#timer = setTimeout(() => this.#dropIdle(), IDLE_MS).unref()
  }

  #drop(name: number | 'last'): void {
    const past = this.#stores.get(name)
    if (past === undefined) return
    this.#stores.delete(name)
    this.#usedAt.delete(past)
    past.close()
  }
}
