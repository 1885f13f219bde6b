/**
 * Owns the order of work on one open database. It takes in the messages of a turn, then has them done in one go, writes
 * and reads in the order they came. Knows no threads.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { Call } from '../../brokers/provider.js'
import type { PersistencyError } from '../errors.js'
import { PackedPuts, PackedWrites } from '../frames/packed-writes.js'
import type { PersistEventPayload } from '../message-payloads.js'
import { KvCount, KvDelete, KvExists, KvFlush, KvGet, KvGetMany, KvScan, PersistEvent } from '../messages.js'
import { logBytes } from './files/companions.js'
import { MEMORY } from './files/root-dir.js'
import { GroupWork } from './group-work.js'
import { IdleCheckpoint } from './idle-checkpoint.js'
import { JournalService } from './journal/journal-service.js'
import type { LogSync } from './log-sync.js'
import { Outcomes } from './outcomes.js'
import type { Pace } from './pace.js'
import { provide } from './provide.js'
import type { RestartLog } from './restart-log.js'
import type { SlicedRead } from './sliced-read.js'
import { slicedCount, slicedGetMany, slicedScan } from './sliced-reads.js'
import type { StoreHolder } from './store-holder.js'
import { type TakeUp, takeUp } from './take-up.js'
import { type FlushTask, type PiecewiseWork, type Task, UNFINISHED, writes, writeTask } from './tasks.js'

export interface SessionParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
  /** Names the database in errors. */
  readonly file: string
  readonly holder: StoreHolder
  readonly pace: Pace
  /** Of a job with `restart`. */
  readonly restartLog?: RestartLog | undefined
  /** Of a job in a file whose log is synced by checkpoints only. */
  readonly logSync?: LogSync | undefined
}

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
  readonly #groupWork: GroupWork
  readonly #takenUp: TakeUp | undefined

  /** Starts to listen and to provide in the context. */
  constructor(parts: SessionParts) {
    this.#parts = parts
    const { hub, context, jobId, file, holder, pace, restartLog, logSync } = parts
    this.#outcomes = new Outcomes({ hub, context, jobId }, restartLog)
    this.#idle = new IdleCheckpoint(
      () => holder.checkpoint(),
      (work) => pace.inTurn(work)
    )
    this.#groupWork = new GroupWork({
      ...{ holder, pace, file, restartLog, logSync },
      outcomes: this.#outcomes,
      onWrote: () => this.#idle.wrote()
    })
    // What a crash has left.
    if (file !== MEMORY && logBytes(file) > 0) this.#idle.wrote()
    const listener = hub.listenToRuns(context, PersistEvent, (events) => this.#addWrites(events))
    this.#withdraw.push(() => void listener.drop())
    if (restartLog !== undefined) this.#takenUp = this.#takeUp(restartLog)
    this.#withdraw.push(() => this.#takenUp?.stop())
    this.#provide(KvGet, ({ category, key }, call) => {
      this.#add({ kind: 'get', category, key, call, value: undefined, error: undefined })
    })
    this.#answerPiecewise(KvGetMany, (query) => {
      const sliced = slicedGetMany(query)
      if (sliced !== undefined) return this.#inSlices(sliced)
      return { work: () => holder.open().getMany(query.category, query.keys) }
    })
    this.#answer(KvExists, false, ({ category, key }) => holder.open().exists(category, key))
    this.#answerPiecewise(KvScan, (query) => this.#inSlices(slicedScan(query)))
    // Where nobody waits for the thread, one statement will do, and no transaction.
    if (pace.shared) this.#answerPiecewise(KvCount, (query) => this.#inSlices(slicedCount(query)))
    else this.#answer(KvCount, false, ({ category, range }) => holder.open().count(category, range))
    this.#provide(KvDelete, (removes, call) => {
      const work = (): boolean => holder.open().delete(removes.category, removes.key)
      this.#add({ kind: 'call', writes: true, work, removes, call, value: undefined, error: undefined })
    })
    this.#journal = new JournalService(holder, jobId, pace)
    this.#journal.answer(
      (request, writes, work) => this.#answer(request, writes, work),
      (request, begin) => this.#answerPiecewise(request, begin)
    )
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
  #takeUp(log: RestartLog): TakeUp {
    const { hub, context, jobId, holder } = this.#parts
    this.#outcomes.lastSeq = log.before.seq
    return takeUp({
      ...{ hub, context, jobId, before: log.before },
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

  #answerPiecewise<Query, Response>(
    request: RequestDefinition<Query, Response, PersistencyError>,
    begin: (query: Query) => PiecewiseWork
  ): void {
    this.#provide(request, (query, call) => {
      this.#add({ kind: 'call', writes: false, ...begin(query), call, value: undefined, error: undefined })
    })
  }

  #inSlices<T>(read: SlicedRead<T>): PiecewiseWork {
    const { holder, pace } = this.#parts
    return { work: () => read.goOn(holder.open(), pace) ?? UNFINISHED, startOver: () => read.startOver() }
  }

  #provide<Query, Response>(
    request: RequestDefinition<Query, Response, PersistencyError>,
    handler: (query: Query, call: Call) => void
  ): void {
    const handle = provide(this.#parts, request, handler)
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
    let at = 0
    let left: readonly Task[] = []
    do {
      const next = turn[at]
      if (next === undefined || this.#mustWait(next)) break
      if (next.kind === 'flush') {
        if (!this.#groupWork.flush(next)) break
        at++
      } else {
        const group = this.#groupFrom(turn, at)
        left = this.#groupWork.do(group, this.#waitingSince)
        at += group.length
      }
    } while (left.length === 0 && !pace.over)
    const rest = [...left, ...turn.slice(at)]
    const [first] = rest
    if (first === undefined) return
    this.#turn = [...rest, ...this.#turn]
    pace.later(() => this.#work(), this.#mustWait(first))
  }

  /** The tasks up to a flush, or to what must wait. */
  #groupFrom(turn: readonly (Task | FlushTask)[], start: number): Task[] {
    const group: Task[] = []
    for (let at = start; at < turn.length; at++) {
      const task = turn[at] as Task | FlushTask
      if (task.kind === 'flush' || this.#mustWait(task)) break
      group.push(task)
    }
    return group
  }

  #mustWait(task: Task | FlushTask): boolean {
    return this.#writesPaused && (task.kind === 'flush' || writes(task))
  }
}

/** What cannot be removed now, because of a lock for instance, is removed by a later session. */
function forget(log: RestartLog, holder: StoreHolder): void {
  try {
    log.forget(holder.open().connection)
  } catch {}
}
