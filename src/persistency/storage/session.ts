/**
 * Owns the order of work on one open database. It takes in the messages of a turn, then does them in one go, writes
 * and reads in the order they came, inside one transaction, and answers after the COMMIT. Knows no threads.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { Call } from '../../brokers/provider.js'
import { PersistencyError } from '../errors.js'
import type { KvScanQuery, PersistCommittedPayload, PersistEventPayload } from '../message-payloads.js'
import { KvCount, KvDelete, KvExists, KvFlush, KvGet, KvGetMany, KvScan, PersistEvent } from '../messages.js'
import { PackedPuts, PackedWrites } from '../packed-writes.js'
import { isBusy } from './busy.js'
import { IdleCheckpoint } from './idle-checkpoint.js'
import { JournalService } from './journal/journal-service.js'
import type { LogSync } from './log-sync.js'
import type { StoreHolder } from './open-stores.js'
import { Outcomes } from './outcomes.js'
import type { Pace } from './pace.js'
import type { ProgressLog } from './progress-log.js'
import { Scan } from './range-reader.js'
import { onlyPut, type RowTask, rowTasksFrom } from './row-tasks.js'
import { storageError } from './sqlite-errors.js'
import type { SqliteStore } from './sqlite-store.js'
import { type TakeUp, takeUp } from './take-up.js'
import {
  type CallTask,
  type FlushTask,
  type GetTask,
  type PutsTask,
  type Task,
  UNFINISHED,
  type WriteTask,
  writeTask
} from './tasks.js'

export interface SessionParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
  /** Names the database in errors. */
  readonly file: string
  readonly holder: StoreHolder
  readonly pace: Pace
  /** Of a job with `restart`. */
  readonly progress?: ProgressLog | undefined
  /** Of a job in a file whose log is synced by checkpoints only. */
  readonly logSync?: LogSync | undefined
}

/** So many writes in a row that the disk refuses say what becomes of the others. */
const HOPELESS = 32

/** A task that is done by itself. */
type AloneTask = Exclude<Task, PutsTask>

export class StorageSession {
  readonly #parts: SessionParts
  readonly #withdraw: (() => void)[] = []
  readonly #idle: IdleCheckpoint
  readonly #journal: JournalService
  #turn: (Task | FlushTask)[] = []
  /** When the first of them was taken in. */
  #waitingSince = 0
  #writesPaused = false
  readonly #outcomes: Outcomes
  readonly #takenUp: TakeUp | undefined

  /** Starts to listen and to provide in the context. */
  constructor(parts: SessionParts) {
    this.#parts = parts
    const { hub, context, holder, pace, jobId } = parts
    this.#outcomes = new Outcomes({ hub, context, jobId }, parts.progress)
    this.#idle = new IdleCheckpoint(
      () => holder.checkpoint(),
      (work) => pace.inTurn(work)
    )
    const listener = hub.listenToRuns(context, PersistEvent, (events) => this.#addWrites(events))
    this.#withdraw.push(() => void listener.drop())
    if (parts.progress !== undefined) this.#takenUp = this.#takeUp(parts.progress)
    this.#withdraw.push(() => this.#takenUp?.stop())
    this.#provide(KvGet, ({ category, key }, call) => {
      this.#add({ kind: 'get', category, key, call, value: undefined, error: undefined })
    })
    this.#answer(KvGetMany, false, ({ category, keys }) => holder.open().getMany(category, keys))
    this.#answer(KvExists, false, ({ category, key }) => holder.open().exists(category, key))
    this.#provide(KvScan, (query, call) => this.#add(this.#scanTask(query, call)))
    this.#answer(KvCount, false, ({ category, range }) => holder.open().count(category, range))
    this.#provide(KvDelete, (removes, call) => {
      const work = (): boolean => holder.open().delete(removes.category, removes.key)
      this.#add({ kind: 'call', writes: true, work, removes, call, value: undefined, error: undefined })
    })
    this.#journal = new JournalService(holder, jobId)
    this.#journal.answer((request, writes, work) => this.#answer(request, writes, work))
    this.#provide(KvFlush, ({ durable }, call) => this.#add({ kind: 'flush', durable, call }))
  }

  /** Does what was taken in, then lets go of the context and the database. */
  close(): void {
    this.#parts.pace.hurry()
    this.#work()
    this.#idle.stop()
    for (const withdraw of this.#withdraw) withdraw()
    this.#journal.close()
    this.#parts.holder.close()
  }

  /** Goes on with what another thread has begun. */
  #takeUp(log: ProgressLog): TakeUp {
    const { hub, context, jobId, holder } = this.#parts
    this.#outcomes.lastSeq = log.before.seq
    return takeUp({
      ...{ hub, context, jobId, progress: log.before },
      write: (event) => this.#add(writeTask(event)),
      settled: ({ lastSeq, final }) => {
        this.#outcomes.lastSeq = Math.max(this.#outcomes.lastSeq, lastSeq)
        if (final) forget(log, holder)
      }
    })
  }

  /** Does no writes for now, and nothing that stands behind one. */
  pauseWrites(): void {
    this.#writesPaused = true
  }

  /** Goes on; where others share the thread, when the turn of this job comes. */
  resumeWrites(): void {
    this.#writesPaused = false
    if (!this.#parts.pace.shared) this.#parts.hub.turns.atEnd(() => this.#work())
  }

  #answer<Query, Response>(
    request: RequestDefinition<Query, Response, PersistencyError>,
    writes: boolean,
    work: (query: Query) => Response
  ): void {
    this.#provide(request, (query, call) => {
      this.#add({ kind: 'call', writes, work: () => work(query), call, value: undefined, error: undefined })
    })
  }

  /** A scan may be long: it is read piece by piece, as far as the slice goes each time. */
  #scanTask(query: KvScanQuery, call: Call): CallTask {
    const { holder, pace } = this.#parts
    let scan = new Scan(query)
    const startOver = (): void => {
      scan = new Scan(query)
    }
    const work = (): unknown => {
      const store = holder.open()
      return store.consistently(() => {
        do {
          const page = store.goOn(scan)
          if (page !== undefined) return page
        } while (!pace.over)
        return UNFINISHED
      })
    }
    return { kind: 'call', writes: false, work, startOver, call, value: undefined, error: undefined }
  }

  #provide<Query, Response>(
    request: RequestDefinition<Query, Response, PersistencyError>,
    handler: (query: Query, call: Call) => void
  ): void {
    const { hub, context } = this.#parts
    const handle = hub.provide(context, request, handler as (query: unknown, call: Call) => void)
    if (handle === undefined) {
      const message = `job "${this.#parts.jobId}" is served already: somebody provides ${request.name}`
      throw new PersistencyError('ERR_BROKER', message)
    }
    this.#withdraw.push(() => handle.remove())
  }

  #addWrites(events: Iterable<PersistEventPayload>): void {
    const parts = events instanceof PackedWrites ? events.parts : events
    for (const part of parts) {
      this.#add(part instanceof PackedPuts ? { kind: 'puts', puts: part, error: undefined } : writeTask(part))
    }
  }

  #add(task: Task | FlushTask): void {
    if (this.#turn.length === 0) {
      this.#waitingSince = performance.now()
      this.#parts.hub.turns.atEnd(() => this.#work())
    }
    this.#turn.push(task)
  }

  /** Does what was taken in, as far as a slice goes and locks allow; the rest later. */
  #work(): void {
    const { pace } = this.#parts
    const turn = this.#turn
    this.#turn = []
    this.#takenUp?.tell()
    for (let done = 0; done < turn.length; ) {
      const step = this.#next(turn, done)
      done += step
      if (done === turn.length || (step > 0 && !pace.over)) continue
      this.#turn = turn.slice(done).concat(this.#turn)
      pace.later(() => this.#work(), this.#mustWait(turn[done] as Task | FlushTask))
      return
    }
  }

  /** Does what comes next; answers how many tasks that were, 0 when it is to go on or be tried again later. */
  #next(turn: (Task | FlushTask)[], at: number): number {
    const task = turn[at] as Task | FlushTask
    if (this.#mustWait(task)) return 0
    if (task.kind === 'flush') return this.#flush(task) ? 1 : 0
    const group: Task[] = []
    for (let next = at; next < turn.length; next++) {
      const member = turn[next] as Task | FlushTask
      if (member.kind === 'flush' || this.#mustWait(member)) break
      group.push(member)
    }
    const taken = group.length
    const done = this.#doGroup(group)
    if (group.length !== taken) replace(turn, at, taken, group)
    return done
  }

  #mustWait(task: Task | FlushTask): boolean {
    return this.#writesPaused && (task.kind === 'flush' || writes(task))
  }

  /** Does a group, which may fall into more tasks in doing so; answers how many were done. */
  #doGroup(group: Task[]): number {
    const done = this.#attemptGroup(group)
    if (done !== undefined) return done
    // The transaction was lost as a whole: each write gets its own, so that one failure costs only itself.
    for (let at = group.length - 1; at >= 0; at--) splitUp(group, at)
    for (const task of group) if (task.kind === 'call') task.startOver?.()
    let setbacks = 0
    for (const [index, task] of group.entries()) {
      if (index > 0 && this.#parts.pace.over) return index
      const alone = this.#attemptGroup([task])
      if (alone === 0) return index
      if (alone === undefined) this.#outcomes.tell([task])
      setbacks = alone === undefined && isOfDisk(task.error) ? setbacks + 1 : 0
      if (setbacks < HOPELESS) continue
      // What the disk refuses time after time, it refuses the rest of the turn.
      this.#withoutTransaction(group.slice(index + 1), task.error, false)
      break
    }
    return group.length
  }

  /**
   * Does a group as far as the slice goes, and publishes the outcome. Answers how many tasks were done: 0 when it is to
   * go on or be tried again later, `undefined` when the transaction could not be committed.
   */
  #attemptGroup(group: Task[]): number | undefined {
    const { holder, pace } = this.#parts
    const changes = group.some(writes)
    let store: SqliteStore | undefined
    try {
      store = holder.open()
      if (changes) store.begin()
    } catch (thrown) {
      if (pace.mayRetry(thrown)) return 0
      this.#withoutTransaction(group, thrown, store === undefined)
      return group.length
    }
    return changes ? this.#inOneTransaction(group, store) : this.#readAll(group)
  }

  #inOneTransaction(group: Task[], store: SqliteStore): number | undefined {
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
      this.#parts.progress?.record(store.connection, next === group.length ? group : group.slice(0, next))
      journal = store.commit()
    } catch (thrown) {
      store.rollback()
      for (const task of group) task.error ??= this.#error(thrown)
      return undefined
    }
    this.#idle.wrote()
    pace.unlocked()
    const { ops, bytes } = this.#outcomes.tell(next === group.length ? group : group.slice(0, next), {
      waitMs: started - this.#waitingSince,
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
      this.#outcomes.tell(group.slice(next, next + done))
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
    this.#outcomes.tell(group)
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

  /** `false` when it is to be tried again later. */
  #flush({ durable, call }: FlushTask): boolean {
    try {
      if (durable) this.#parts.holder.open().sync()
      call.resolve(undefined)
    } catch (thrown) {
      if (this.#parts.pace.mayRetry(thrown)) return false
      call.reject(this.#error(thrown))
    }
    return true
  }

  #error(thrown: unknown): PersistencyError {
    return storageError('ERR_STORAGE', this.#parts.file, thrown)
  }
}

/** Whether a write failed for what it was stored on, not for what it is. */
function isOfDisk(error: PersistencyError | undefined): boolean {
  return /^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|NOMEM)/.test(error?.backendCode ?? '')
}

function writes(task: Task): boolean {
  return task.kind === 'write' || task.kind === 'puts' || (task.kind === 'call' && task.writes)
}

/** Puts a task for each write in the place of one that has many. */
function splitUp(group: Task[], at: number): void {
  const task = group[at]
  if (task?.kind !== 'puts') return
  const tasks = task.puts.writes.map((event) => writeTask(event))
  replace(group, at, 1, tasks)
}

/** As `splice` with `items` spread, which may be more than a call takes arguments. */
function replace<T>(list: T[], at: number, count: number, items: readonly T[]): void {
  const behind = list.splice(at).slice(count)
  for (const item of items) list.push(item)
  for (const item of behind) list.push(item)
}

/** What cannot be removed now, because of a lock for instance, is removed by a later session. */
function forget(log: ProgressLog, holder: StoreHolder): void {
  try {
    log.forget(holder.open().connection)
  } catch {}
}
