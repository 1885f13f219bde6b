/**
 * Owns doing tasks on an open database: many alike in one go where they can be, one by itself otherwise, in pieces what takes
 * long. Keeps what became of a task with it; knows no transaction.
 */
import type { PersistencyError } from '../errors.js'
import type { TxOp } from '../types.js'
import type { Pace } from './pace.js'
import { onlyPut, type RowTask, rowTasksFrom } from './row-tasks.js'
import { storageError } from './sqlite-errors.js'
import type { SqliteStore } from './sqlite-store.js'
import type { StoreHolder } from './store-holder.js'
import { type GetTask, type PutsTask, type Task, UNFINISHED, type WriteTask } from './tasks.js'

/** So many operations are done in well under a slice, unless they are of many rows each. */
const FEW_OPS = 64

/** A task that is done by itself. */
export type AloneTask = Exclude<Task, PutsTask>

/** How many tasks were done; or that the next one has to go on in another slice, or that some of its rows may be stored. */
export type Step = number | 'unfinished' | 'torn'

export interface AttemptsParts {
  /** Names the database in errors. */
  readonly file: string
  readonly holder: StoreHolder
  readonly pace: Pace
}

export class Attempts {
  readonly #parts: AttemptsParts

  constructor(parts: AttemptsParts) {
    this.#parts = parts
  }

  /** Attempts a task, and with it those behind it that can be done in one go. */
  next(tasks: readonly Task[], at: number, rows: 'gathered' | 'singly'): Step {
    const next = tasks[at] as Task
    if (next.kind === 'puts') return this.#stored(next) ? 1 : 'torn'
    const alike = rowTasksFrom(tasks, at)
    if (alike.length > 1 && (rows === 'gathered' || next.kind === 'get')) {
      if (this.#gathered(alike)) return alike.length
      if (next.kind === 'write') return 'torn'
    }
    return this.one(next) ? 1 : 'unfinished'
  }

  /** Stores what came together in one go; `false` when that failed. */
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
  one(task: AloneTask): boolean {
    const store = this.#parts.holder.open()
    task.error = undefined
    try {
      if (task.kind === 'write') return this.#write(task, store)
      if (task.kind === 'get') task.value = this.#read(() => store.get(task.category, task.key))
      else task.value = this.#read(task.work)
    } catch (thrown) {
      task.error = this.#error(thrown)
      if (task.kind === 'write') task.rest = undefined
      return true
    }
    return task.value !== UNFINISHED
  }

  /** Where others share the thread, what takes long is done piece by piece, as far as the slice goes. */
  #write(task: WriteTask, store: SqliteStore): boolean {
    const { pace, holder } = this.#parts
    if (task.rest === undefined) {
      const { ops } = task.event
      if (!pace.shared || !mayTakeLong(ops)) {
        store.write(ops)
        return true
      }
      task.rest = store.writeInPieces(ops)
    }
    while (!task.rest.next().done) {
      // Who keeps the database may use it at any time.
      if (pace.over && !holder.isKept) return false
    }
    task.rest = undefined
    return true
  }

  #read<T>(work: () => T): T {
    const store = this.#parts.holder.open()
    return store.inTransaction ? work() : store.read(work)
  }

  #error(thrown: unknown): PersistencyError {
    return storageError('ERR_STORAGE', this.#parts.file, thrown)
  }
}

function mayTakeLong(ops: readonly TxOp[]): boolean {
  return ops.length > FEW_OPS || ops.some(({ kind }) => kind === 'deletePrefix')
}
