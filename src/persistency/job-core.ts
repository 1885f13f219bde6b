/**
 * Owns what a job consists of, and its life from the opening of its storage to its end. Knows no SQL and no threads; what
 * the parts do is in the folders, each by what it is about.
 */
import { errAsync, type Result, type ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import type { EventDefinition } from '../brokers/definitions.js'
import type { BrokerHub } from '../brokers/hub.js'
import { RequestBroker } from '../brokers/request-broker.js'
import type { Ask } from './ask.js'
import { checkFlushOptions, checkReadOptions } from './checks/call-options.js'
import { checkWrite } from './checks/operations.js'
import { tellJob } from './diagnostics.js'
import { PersistencyError } from './errors.js'
import { EventSourcing } from './eventsourcing/event-sourcing.js'
import { DirectCalls, type JobCalls } from './job-calls.js'
import { JobMaintenance } from './job-maintenance.js'
import { JobJournal } from './journal/job-journal.js'
import { JournalInfo } from './journal/messages.js'
import type { KeyRange } from './keys/key-range.js'
import type { Key } from './keys/keys.js'
import type { JobRestartedPayload } from './message-payloads.js'
import { JobClosed, JobFailed, JobOpened, JobRestarted, KvFlush } from './messages.js'
import type { ResolvedJobOptions } from './options.js'
import { JobReads } from './reading/job-reads.js'
import { JobRestart } from './restart/job-restart.js'
import type { RestartListener } from './storage-engine.js'
import type { AckOptions, Commit, FlushOptions } from './types.js'
import { CommitFeed } from './watch/commit-feed.js'
import type { WatchOptions } from './watch/types.js'
import { WatchStream } from './watch/watch-stream.js'
import { isWithoutJournal } from './without-journal.js'
import type { WriteOps } from './write-ops.js'
import { JobWrites } from './writes/job-writes.js'

export interface JobCoreParts {
  readonly id: string
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly options: ResolvedJobOptions
}

export type JobState = 'open' | 'closing' | 'closed' | 'failed' | 'ended'

export class JobCore {
  readonly id: string
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly options: ResolvedJobOptions
  readonly writes: JobWrites
  readonly reads: JobReads
  readonly journal: JobJournal
  readonly sourcing: EventSourcing
  readonly maintenance: JobMaintenance
  readonly #feed: CommitFeed
  readonly #calls: JobCalls
  readonly #restart: JobRestart | undefined
  #state: JobState = 'open'

  constructor({ id: jobId, hub, context, options }: JobCoreParts) {
    this.id = jobId
    this.hub = hub
    this.context = context
    this.options = options
    const { ask } = this
    this.writes = new JobWrites({ jobId, hub, context, options })
    this.reads = new JobReads(ask)
    this.journal = new JobJournal({ hub, context, ask })
    const { committed, following } = this.journal
    this.sourcing = new EventSourcing({
      ...{ jobId, hub, context, ask, committed, following },
      closed: () => (this.running ? undefined : this.#closedError())
    })
    this.maintenance = new JobMaintenance({
      ...{ hub, context, options, writes: this.writes, ask },
      journal: { compare: (how) => this.journal.compare(how), served: () => this.running }
    })
    this.#feed = new CommitFeed({ hub, context, lastSent: () => this.writes.lastSent })
    const requests = new RequestBroker(hub, context)
    if (options.restart) this.#restart = this.#restartOf(requests)
    this.#calls = this.#restart?.calls ?? new DirectCalls({ jobId, requests, queue: this.writes.queue })
  }

  get state(): JobState {
    return this.#state
  }

  /** Whether the job takes calls. */
  get running(): boolean {
    return this.#state === 'open'
  }

  /** One operation or several, by the rules of this job. */
  checkedWrite(ops: unknown): Result<WriteOps, PersistencyError> {
    return checkWrite(ops, this.options.journal !== false)
  }

  /** Queues operations, checked. */
  submit(ops: Result<WriteOps, PersistencyError>): ResultAsync<void, PersistencyError> {
    if (ops.isErr()) return errAsync(ops.error)
    if (this.#state !== 'open') return errAsync(this.#closedError())
    return this.writes.submit(ops.value)
  }

  /** Queues operations, checked, and waits for their commit. */
  submitAcked(
    ops: Result<WriteOps, PersistencyError>,
    options: AckOptions | undefined
  ): ResultAsync<Commit, PersistencyError> {
    const patience = checkReadOptions(options)
    if (ops.isErr()) return errAsync(ops.error)
    if (patience.isErr()) return errAsync(patience.error)
    if (!this.running) return errAsync(this.#closedError())
    return this.writes.submitAcked(ops.value, patience.value)
  }

  /** Waits for what was accepted before; see `Job.flush`. */
  flush(options: FlushOptions | undefined): ResultAsync<void, PersistencyError> {
    const checked = checkFlushOptions(options)
    if (checked.isErr()) return errAsync(checked.error)
    const { durable = false, timeoutMs = Number.POSITIVE_INFINITY, signal } = checked.value
    return this.ask(KvFlush, { durable }, { timeoutMs, signal }).andThen(() => this.writes.takeLoss())
  }

  /** Follows what is committed; see `Job.watch`. */
  watch(category: string, range: KeyRange | Key, options: WatchOptions | undefined): WatchStream {
    return new WatchStream(category, range, options, {
      ask: this.ask,
      feed: this.#feed,
      committed: this.journal.committed,
      following: this.journal.following,
      isWithoutJournal: (error) => isWithoutJournal(error, this.running),
      inLine: (sent) => this.#calls.inLine(sent, () => {})
    })
  }

  /** Sends a request when everything before it has been sent. */
  readonly ask: Ask = (request, payload, options) => {
    if (this.#state !== 'open') return errAsync(this.#closedError())
    const { timeoutMs = this.options.requestTimeoutMs, signal } = options
    return this.#calls.ask(request, payload, { timeoutMs, signal })
  }

  /** Takes part in the storage being started again; absent without `restart`. */
  get restart(): RestartListener | undefined {
    return this.#restart
  }

  /** It can be found by its id. */
  announceOpened(): void {
    this.#announce(JobOpened, { jobId: this.id })
    tellJob('opened', { jobId: this.id, context: this.context })
  }

  /**
   * Takes no more calls; resolves when everything that waited for room has been accepted, with `restart` when it has an
   * outcome.
   */
  async beginClose(): Promise<void> {
    if (this.#state === 'open') {
      this.sourcing.subscriptions.storeNow()
      this.#state = 'closing'
    }
    if (this.#restart === undefined) await this.writes.queue.lineCleared()
    else await this.#restart.settle()
  }

  /** The storage is released. */
  finishClose(): void {
    if (this.#state !== 'closing') return
    this.#end('closed', this.#closedError())
    this.#announce(JobClosed, { jobId: this.id })
    tellJob('closed', { jobId: this.id, context: this.context })
  }

  /** The storage has ended by itself: reports what is lost. */
  fail(error: PersistencyError): void {
    if (this.#state === 'closed' || this.#state === 'failed') return
    this.#end('failed', error)
    this.#announce(JobFailed, { jobId: this.id, error })
    tellJob('failed', { jobId: this.id, context: this.context, error })
  }

  /** The process ends, and everything accepted has been applied: takes no more calls. Nobody can be told. */
  endWithProcess(): void {
    if (this.#state === 'open') this.#state = 'ended'
  }

  /** What concerns the life of the job is told in its own context and in that of its coordinator. */
  #announce<Payload>(event: EventDefinition<Payload>, payload: Payload): void {
    this.hub.emit(this.context, event, payload)
    if (this.context.parent !== undefined) this.hub.emit(this.context.parent, event, payload)
  }

  #restartOf(requests: RequestBroker): JobRestart {
    return new JobRestart({
      jobId: this.id,
      hub: this.hub,
      context: this.context,
      requests,
      writes: this.writes,
      onRestarted: (restarted) => this.#restarted(restarted)
    })
  }

  /** What the former storage committed in its last moment nobody has heard of: who follows along looks for itself. */
  #restarted(restarted: JobRestartedPayload): void {
    this.#feed.resync()
    const forever = { timeoutMs: Number.POSITIVE_INFINITY }
    void this.#restart?.calls
      .ask(JournalInfo, undefined, forever, true)
      .map(({ lastSeq }) => this.journal.committed.advance(lastSeq))
    this.#announce(JobRestarted, restarted)
    tellJob('restarted', { ...restarted, context: this.context })
  }

  #end(state: JobState, error: PersistencyError): void {
    this.#state = state
    this.writes.end(error)
    this.#restart?.end(error)
    const end = state === 'closed' ? 'closed' : error
    this.sourcing.subscriptions.end(state === 'closed' ? undefined : error)
    this.journal.end(end)
    this.#feed.end(end)
  }

  #closedError(): PersistencyError {
    const why = {
      ...{ open: 'open', closing: 'being closed', closed: 'closed', failed: 'no longer served' },
      ended: 'no longer served: the process ends'
    }[this.#state]
    const remedy = this.#state === 'failed' ? '; its storage died, openJob starts it again' : ''
    return new PersistencyError('ERR_JOB_CLOSED', `job "${this.id}" is ${why}${remedy}`)
  }
}
