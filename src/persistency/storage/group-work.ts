/**
 * Owns doing a group of tasks: inside one transaction if one of them writes, told of after the COMMIT, as far as a slice
 * goes and locks allow. Knows nothing of where tasks come from.
 */
import type { PersistencyError } from '../errors.js'
import type { PersistCommittedPayload } from '../message-payloads.js'
import { type AloneTask, Attempts } from './attempts.js'
import { isBusy } from './busy.js'
import type { LogSync } from './log-sync.js'
import type { Outcomes } from './outcomes.js'
import type { Pace } from './pace.js'
import type { RestartLog } from './restart-log.js'
import { storageError } from './sqlite-errors.js'
import type { SqliteStore } from './sqlite-store.js'
import type { StoreHolder } from './store-holder.js'
import { type FlushTask, singly, type Task, writes } from './tasks.js'

export interface GroupWorkParts {
  /** Names the database in errors. */
  readonly file: string
  readonly holder: StoreHolder
  readonly pace: Pace
  readonly outcomes: Outcomes
  readonly restartLog: RestartLog | undefined
  readonly logSync: LogSync | undefined
  /** A transaction was committed. */
  readonly onWrote: () => void
}

/** After so many writes in a row failed because of the disk, the rest of the turn fails untried. */
const HOPELESS = 32

/** Nothing of a group was done: rows could not be stored together, or the transaction could not be committed. */
type Undone = 'torn' | 'rolledBack'

/** What is left of a group, to be gone on with or tried again later. */
type Left = readonly Task[] | Undone

/** A transaction in which a group is done. */
interface Transaction {
  readonly store: SqliteStore
  readonly rows: 'gathered' | 'singly'
  /** Whether it is there for one task, after one for many was lost. */
  readonly alone: boolean
  readonly started: number
  readonly waitingSince: number
  /** How many tasks of the group are done. */
  readonly next: number
  /** Whether others have had their turn in between: it is committed with the write that is under way. */
  readonly paused: boolean
}

/** A transaction that stays open while others have their turn, because one write takes longer than a slice. */
interface OpenTransaction {
  readonly transaction: Transaction
  /** How many tasks its group has. */
  readonly count: number
}

export class GroupWork {
  readonly #parts: GroupWorkParts
  readonly #attempts: Attempts
  #open: OpenTransaction | undefined
  /** How many writes in a row the disk has refused, each by itself. */
  #setbacks = 0

  constructor(parts: GroupWorkParts) {
    this.#parts = parts
    this.#attempts = new Attempts(parts)
  }

  /**
   * Does a group, and answers what is left of it, to be gone on with or tried again later. When a write of it is not
   * finished, that is all of it, and it has to come first the next time.
   * @param waitingSince when the first of what was taken in with it came
   */
  do(group: readonly Task[], waitingSince: number): readonly Task[] {
    if (this.#open !== undefined) return this.#goOn(this.#open, group)
    return this.#otherwise(this.#together(group, waitingSince), group, waitingSince)
  }

  #goOn({ transaction, count }: OpenTransaction, tasks: readonly Task[]): readonly Task[] {
    this.#open = undefined
    const group = tasks.slice(0, count)
    const left = this.#inTransaction(group, transaction)
    const { alone, waitingSince } = transaction
    const rest = alone ? this.#alone(group, left) : this.#otherwise(left, group, waitingSince)
    if (this.#open === undefined) this.#parts.holder.pausing = false
    return [...rest, ...tasks.slice(count)]
  }

  /** What is left of a group; what was undone is done in another way. */
  #otherwise(tried: Left, group: readonly Task[], waitingSince: number): readonly Task[] {
    let left = tried
    // A row that is refused takes those along that are stored with it, so each is stored by itself.
    if (left === 'torn') left = this.#together(afresh(group), waitingSince, 'singly')
    return isUndone(left) ? this.#oneByOne(afresh(group), waitingSince) : left
  }

  /** Does a flush; `false` when it is to be tried again later. */
  flush({ durable, call }: FlushTask): boolean {
    try {
      if (durable) {
        this.#parts.holder.open().sync()
        this.#parts.onWrote()
        this.#parts.pace.unlocked()
      }
      call.resolve(undefined)
    } catch (thrown) {
      if (this.#parts.pace.mayRetry(thrown)) return false
      call.reject(this.#error(thrown))
    }
    return true
  }

  /** Does a group as far as the slice goes, and tells how it fared, unless that was undone. */
  #together(
    group: readonly Task[],
    waitingSince: number,
    rows: 'gathered' | 'singly' | 'alone' = 'gathered'
  ): Left {
    const { holder, pace } = this.#parts
    const changes = group.some(writes)
    const wasOpen = holder.isOpen
    let store: SqliteStore | undefined
    try {
      store = holder.open()
      // Opening takes longer than a slice: jobs that close each other's databases would do one task each time.
      if (!wasOpen) pace.renew()
      if (changes) store.begin()
    } catch (thrown) {
      if (pace.mayRetry(thrown)) return group
      this.#withoutTransaction(group, thrown, store === undefined)
      return []
    }
    if (!changes) return this.#readAll(group)
    return this.#inTransaction(group, {
      ...{ store, waitingSince, started: performance.now(), next: 0, paused: false },
      rows: rows === 'singly' ? rows : 'gathered',
      alone: rows === 'alone'
    })
  }

  /** The transaction was lost as a whole: each write gets its own, so that one failure costs only itself. */
  #oneByOne(tasks: readonly Task[], waitingSince: number): readonly Task[] {
    for (const [index, task] of tasks.entries()) {
      if (index > 0 && this.#parts.pace.over) return tasks.slice(index)
      const left = this.#alone([task], this.#together([task], waitingSince, 'alone'))
      if (left.length > 0) return tasks.slice(index)
      if (this.#setbacks < HOPELESS) continue
      // What the disk refuses time after time, it refuses the rest of the turn.
      this.#withoutTransaction(tasks.slice(index + 1), task.error, false)
      break
    }
    return []
  }

  /** What is left of a task that had a transaction of its own; one that was undone all the same has failed. */
  #alone(group: readonly Task[], left: Left): readonly Task[] {
    const failed = isUndone(left)
    if (!failed && left.length > 0) return left
    if (failed) this.#parts.outcomes.tell(group)
    this.#setbacks = failed && isOfDisk(group[0]?.error) ? this.#setbacks + 1 : 0
    return []
  }

  #inTransaction(group: readonly Task[], transaction: Transaction): Left {
    const { pace, outcomes, restartLog, logSync, onWrote } = this.#parts
    const { store, rows, started, waitingSince, paused } = transaction
    let { next } = transaction
    do {
      const step = this.#attempts.next(group, next, rows)
      if (!store.inTransaction) return 'rolledBack'
      if (step === 'torn') {
        store.rollback()
        return 'torn'
      }
      if (step === 'unfinished' && writes(group[next] as Task)) {
        this.#leaveOpen({ ...transaction, next, paused: true }, group.length)
        return group
      }
      if (typeof step !== 'number') break
      next += step
    } while (next < group.length && !pace.over && !paused)
    const done = next === group.length ? group : group.slice(0, next)
    let journal: PersistCommittedPayload['journal']
    try {
      restartLog?.record(store.connection, done)
      journal = store.commit()
    } catch (thrown) {
      store.rollback()
      for (const task of group) task.error ??= this.#error(thrown)
      return 'rolledBack'
    }
    this.#setbacks = 0
    onWrote()
    pace.unlocked()
    const { ops, bytes } = outcomes.tell(done, {
      waitMs: started - waitingSince,
      commitMs: performance.now() - started,
      ...(journal !== undefined && { journal })
    })
    logSync?.wrote(ops, bytes)
    return group.slice(next)
  }

  #leaveOpen(transaction: Transaction, count: number): void {
    const { holder, pace } = this.#parts
    this.#open = { transaction, count }
    holder.pausing = true
    pace.unlocked()
  }

  /** Answers each read as soon as it is done: the other thread goes on with the first while the rest is read. */
  #readAll(group: readonly Task[]): readonly Task[] {
    const { pace } = this.#parts
    let next = 0
    do {
      const step = this.#attempts.next(group, next, 'gathered')
      const { error } = group[next] as Task
      if (error !== undefined && isBusy(error) && pace.mayRetry(error)) break
      pace.unlocked()
      if (typeof step !== 'number') break
      this.#parts.outcomes.tell(group.slice(next, next + step))
      next += step
    } while (next < group.length && !pace.over)
    return group.slice(next)
  }

  /** No write can be done now, because the lock on the file is not to be had, for instance: only reads are. */
  #withoutTransaction(group: readonly Task[], thrown: unknown, closed: boolean): void {
    for (const task of group) {
      if (closed || writes(task)) task.error = this.#error(thrown)
      else while (!this.#attempts.one(task as AloneTask));
    }
    this.#parts.outcomes.tell(group)
  }

  #error(thrown: unknown): PersistencyError {
    return storageError('ERR_STORAGE', this.#parts.file, thrown)
  }
}

/** The tasks of a group that was undone, as if none had been begun, and those that came together apart. */
function afresh(group: readonly Task[]): readonly Task[] {
  const tasks = group.flatMap(singly)
  for (const task of tasks) {
    if (task.kind === 'call') task.startOver?.()
    else if (task.kind === 'write') task.rest = undefined
  }
  return tasks
}

function isUndone(left: Left): left is Undone {
  return typeof left === 'string'
}

/** Whether a write failed for what it was stored on, not for what it is. */
function isOfDisk(error: PersistencyError | undefined): boolean {
  return /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|NOMEM)/.test(error?.backendCode ?? '')
}
