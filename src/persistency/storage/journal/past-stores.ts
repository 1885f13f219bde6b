/** Owns the past states that are at hand: made when they are asked for, a little at a time, and let go of when unused. */
import { PersistencyError } from '../../errors.js'
import type { Stepwise } from '../../journal/message-payloads.js'
import type { SqliteStore } from '../sqlite-store.js'
import { UNFINISHED } from '../tasks.js'
import type { JournalLog } from './journal-log.js'
import { requireKept } from './page.js'
import { PastStore } from './past-store.js'

/**
 * So many are kept; of those that are ready, the one that was used least recently gives way. One in use does not:
 * several of them would only throw each other out for ever.
 */
const MAX_KEPT = 4

/** One that nobody has used for so long is let go of, in milliseconds. */
const IDLE_MS = 30_000

/** A state that is in use, and the events that it needs, are kept for so long after its last step, in milliseconds. */
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
  /** Those in the making, or followed, and until when somebody can be expected to go on with them. */
  readonly #inUseUntil = new Map<PastStore, number>()

  /** Whether a state is in use, so that the journal must not lose events. */
  readonly held = (): boolean => [...this.#inUseUntil.keys()].some((past) => this.#isInUse(past))

  /**
   * The state as of an event, when it is ready; otherwise goes a step towards it. It keeps its place as long as what
   * uses it is unfinished.
   */
  at<T>(journal: JournalLog, seq: number, use: (store: SqliteStore) => T): Stepwise<T> {
    if (seq > journal.lastSeq) {
      const message = `event ${seq} is not there yet: the last one of the journal is ${journal.lastSeq}`
      throw new PersistencyError('ERR_SEQ', message)
    }
    this.#forgetOthers(journal)
    // The state as of the event before the first is the snapshot.
    if (this.#stores.get(seq)?.seq !== seq) requireKept(journal, seq + 1)
    return this.#step(journal, seq, seq, (past) => {
      const value = use(past.store)
      if (value !== UNFINISHED) this.#letGo(past)
      return value
    })
  }

  /**
   * The state as of the last event. It is followed, so that no event falls off that it needs, until what `use` answers
   * has no `next`. `use` is told how many operations came in since it was called before; infinitely many when the state
   * may be lost until the next call, so that it must do everything now.
   */
  last<T extends { readonly next?: unknown }>(
    journal: JournalLog,
    use: (store: SqliteStore, changes: number) => T
  ): Stepwise<T> {
    this.#forgetOthers(journal)
    return this.#step(journal, 'last', journal.lastSeq, (past) => {
      const value = use(past.store, past.inOneGo ? Number.POSITIVE_INFINITY : past.takeChanges())
      if (value.next === undefined) this.#letGo(past)
      return value
    })
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#dropAll()
  }

  /** What was made of events that were taken back since is worth nothing. The file may have been closed in between. */
  #forgetOthers(journal: JournalLog): void {
    const { generation } = journal
    const former = this.#of?.journal
    const nothingTakenBack =
      former?.generation === this.#of?.generation && (former === journal || former?.certain === true)
    if (!nothingTakenBack) this.#dropAll()
    this.#of = { journal, generation }
  }

  #step<T>(
    journal: JournalLog,
    name: number | 'last',
    seq: number,
    use: (past: PastStore) => T
  ): Stepwise<T> {
    const past = this.#take(journal, name, seq)
    if (past === undefined) return { ready: false, done: 0, total: seq - journal.firstSeq + 1 }
    const deadline = performance.now() + STEP_MS
    const follows = this.#isInUse(past)
    try {
      const ready = past.advance(journal, seq, () => performance.now() >= deadline, follows)
      this.#inUseUntil.set(past, performance.now() + HELD_MS)
      return ready ? { ready, value: use(past) } : { ready, ...past.progress(seq) }
    } catch (thrown) {
      this.#drop(name)
      throw thrown
    }
  }

  /** `undefined` while all places are taken by others in use. */
  #take(journal: JournalLog, name: number | 'last', seq: number): PastStore | undefined {
    let past = this.#stores.get(name)
    let attempts = 0
    if (past !== undefined && past.seq !== seq && !past.fits(journal)) {
      attempts = past.attempts + 1
      this.#drop(name)
      past = undefined
    }
    if (past === undefined && !this.#makePlace()) return undefined
    this.#stores.delete(name)
    past ??= new PastStore(attempts)
    this.#stores.set(name, past)
    this.#usedAt.set(past, performance.now())
    this.#timer ??= setTimeout(() => this.#dropIdle(), IDLE_MS).unref()
    return past
  }

  #makePlace(): boolean {
    if (this.#stores.size < MAX_KEPT) return true
    const leastRecent = [...this.#stores].find(([, past]) => !this.#isInUse(past))
    if (leastRecent === undefined) return false
    this.#drop(leastRecent[0])
    return true
  }

  #letGo(past: PastStore): void {
    this.#inUseUntil.delete(past)
    past.done()
  }

  #isInUse(past: PastStore): boolean {
    return performance.now() < (this.#inUseUntil.get(past) ?? 0)
  }

  #dropIdle(): void {
    this.#timer = undefined
    for (const [name, past] of [...this.#stores]) {
      if (performance.now() - (this.#usedAt.get(past) ?? 0) >= IDLE_MS) this.#drop(name)
    }
    if (this.#stores.size > 0) this.#timer = setTimeout(() => this.#dropIdle(), IDLE_MS).unref()
  }

  #dropAll(): void {
    for (const name of [...this.#stores.keys()]) this.#drop(name)
  }

  #drop(name: number | 'last'): void {
    const past = this.#stores.get(name)
    if (past === undefined) return
    this.#stores.delete(name)
    this.#usedAt.delete(past)
    this.#inUseUntil.delete(past)
    past.close()
  }
}
