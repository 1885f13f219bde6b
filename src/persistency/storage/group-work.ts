/**
 * Owns doing a group of tasks: inside one transaction if one of them writes, told of after the COMMIT, as far as a slice
 * goes and locks allow. Knows nothing of where tasks come from.
 */
import type { PersistencyError } from '../errors.js'
import type { PersistCommittedPayload } from '../message-payloads.js'
import { isBusy } from './busy.js'
import type { LogSync } from './log-sync.js'
import type { Outcomes } from './outcomes.js'
import type { Pace } from './pace.js'
import type { RestartLog } from './restart-log.js'
import { onlyPut, type RowTask, rowTasksFrom } from './row-tasks.js'
import { storageError } from './sqlite-errors.js'
import type { SqliteStore } from './sqlite-store.js'
import type { StoreHolder } from './store-holder.js'
import {
  type FlushTask,
  type GetTask,
  type PutsTask,
  splitUp,
  type Task,
  UNFINISHED,
  type WriteTask,
  writes
} from './tasks.js'

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

/** A task that is done by itself. */
type AloneTask = Exclude<Task, PutsTask>

export class GroupWork {
  readonly #parts: GroupWorkParts
  /** How many writes in a row the disk has refused, each by itself. */
  #setbacks = 0

  constructor(parts: GroupWorkParts) {
    this.#parts = parts
  }

  /**
   * Does a group, which may fall into more tasks in doing so; answers how many were done.
   * @param waitingSince when the first of what was taken in with it came
   */
  do(group: Task[], waitingSince: number): number {
    const done = this.#attemptGroup(group, waitingSince)
    if (done !== undefined) return done
    // The transaction was lost as a whole: each write gets its own, so that one failure costs only itself.
    for (let at = group.length - 1; at >= 0; at--) splitUp(group, at)
    for (const task of group) if (task.kind === 'call') task.startOver?.()
    for (const [index, task] of group.entries()) {
      if (index > 0 && this.#parts.pace.over) return index
      const alone = this.#attemptGroup([task], waitingSince)
      if (alone === 0) return index
      if (alone === undefined) this.#parts.outcomes.tell([task])
      this.#setbacks = alone === undefined && isOfDisk(task.error) ? this.#setbacks + 1 : 0
      if (this.#setbacks < HOPELESS) continue
      // What the disk refuses time after time, it refuses the rest of the turn.
      this.#withoutTransaction(group.slice(index + 1), task.error, false)
      break
    }
    return group.length
  }

  /** Does a flush; `false` when it is to be tried again later. */
  flush({ durable, call }: FlushTask): boolean {
    try {
      if (durable) {
        this.#parts.holder.open().sync()
        this.#parts.pace.unlocked()
      }
      call.resolve(undefined)
    } catch (thrown) {
      if (this.#parts.pace.mayRetry(thrown)) return false
      call.reject(this.#error(thrown))
    }
    return true
  }

  /**
   * Does a group as far as the slice goes, and publishes the outcome. Answers how many tasks were done: 0 when it is to
   * go on or be tried again later, `undefined` when the transaction could not be committed.
   */
  #attemptGroup(group: Task[], waitingSince: number): number | undefined {
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
      if (pace.mayRetry(thrown)) return 0
      this.#withoutTransaction(group, thrown, store === undefined)
      return group.length
    }
    return changes ? this.#inOneTransaction(group, store, waitingSince) : this.#readAll(group)
  }

  #inOneTransaction(group: Task[], store: SqliteStore, waitingSince: number): number | undefined {
    const { pace } = this.#parts
    const started = performance.now()
    let next = 0
    let done: number
    do {
      done = this.#attemptNext(group, next)
      next += done
      if (!store.inTransaction) return undefined
    } while (done > 0 && next < group.length && !pace.over)
    let journal: PersistCommittedPayload['journal']
    try {
      this.#parts.restartLog?.record(store.connection, next === group.length ? group : group.slice(0, next))
      journal = store.commit()
    } catch (thrown) {
      store.rollback()
      for (const task of group) task.error ??= this.#error(thrown)
      return undefined
    }
    this.#setbacks = 0
    this.#parts.onWrote()
    pace.unlocked()
    const { ops, bytes } = this.#parts.outcomes.tell(next === group.length ? group : group.slice(0, next), {
      waitMs: started - waitingSince,
      commitMs: performance.now() - started,
      ...(journal !== undefined && { journal })
    })
    this.#parts.logSync?.wrote(ops, bytes)
    return next
  }

  /** Answers each read as soon as it is done: the other thread goes on with the first while the rest is read. */
  #readAll(group: Task[]): number {
    const { pace } = this.#parts
    let next = 0
    do {
      const done = this.#attemptNext(group, next)
      const { error } = group[next] as Task
      if (isBusy(error) && pace.mayRetry(error)) break
      pace.unlocked()
      if (done === 0) break
      this.#parts.outcomes.tell(group.slice(next, next + done))
      next += done
    } while (next < group.length && !pace.over)
    return next
  }

  /** No write can be done now, because the lock on the file is not to be had, for instance: only reads are. */
  #withoutTransaction(group: readonly Task[], thrown: unknown, closed: boolean): void {
    for (const task of group) {
      if (closed || writes(task)) task.error = this.#error(thrown)
      else while (!this.#attempt(task as AloneTask));
    }
    this.#parts.outcomes.tell(group)
  }

  /** Attempts a task, and with it those behind it that can be done in one go; answers how many were done. */
  #attemptNext(group: Task[], at: number): number {
    const next = group[at] as Task
    if (next.kind === 'puts') {
      if (this.#stored(next)) return 1
      splitUp(group, at)
      if (!this.#parts.holder.open().inTransaction) return 0
    }
    const alike = rowTasksFrom(group, at)
    if (alike.length > 1 && this.#gathered(alike)) return alike.length
    return this.#attempt(group[at] as AloneTask) ? 1 : 0
  }

  #stored(task: PutsTask): boolean {
    try {
      this.#parts.holder.open().writePuts(task.puts)
      task.error = undefined
      return true
    } catch {
      return false
    }
  }

  /** Reads or stores many rows in one go; `false` when that failed, so that each is to be tried by itself. */
  #gathered(tasks: readonly RowTask[]): boolean {
    const store = this.#parts.holder.open()
    try {
      const [first] = tasks
      if (first?.kind === 'get') {
        const keys = tasks.map((task) => (task as GetTask).key)
        const found = this.#read(() => store.getMany(first.category, keys).payloads)
        for (const [index, task] of tasks.entries()) (task as GetTask).value = found[index]
      } else store.writeRows((tasks as readonly WriteTask[]).map(onlyPut))
    } catch {
      return false
    }
    for (const task of tasks) task.error = undefined
    return true
  }

  /** Answers whether the task is done; it is not when it has to go on in another slice. */
  #attempt(task: AloneTask): boolean {
    const store = this.#parts.holder.open()
    task.error = undefined
    try {
      if (task.kind === 'write') store.write(task.event.ops)
      else if (task.kind === 'get') task.value = this.#read(() => store.get(task.category, task.key))
      else task.value = this.#read(task.work)
    } catch (thrown) {
      task.error = this.#error(thrown)
    }
    return task.error !== undefined || task.kind === 'write' || task.value !== UNFINISHED
  }

  #read<T>(work: () => T): T {
    const store = this.#parts.holder.open()
    return store.inTransaction ? work() : store.read(work)
  }

  #error(thrown: unknown): PersistencyError {
    return storageError('ERR_STORAGE', this.#parts.file, thrown)
  }
}

/** Whether a write failed for what it was stored on, not for what it is. */
function isOfDisk(error: PersistencyError | undefined): boolean {
  return /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|NOMEM)/.test(error?.backendCode ?? '')
}
