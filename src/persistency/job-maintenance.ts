/** Owns what a job does as a whole, on its way through the brokers: backups, checks, figures, compaction. */
import { Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import { type RequestDefinition, untraced } from '../brokers/definitions.js'
import type { BrokerHub } from '../brokers/hub.js'
import { checkPath } from './absolute-path.js'
import type { Ask } from './ask.js'
import { abortSignal, booleanValue, checkOptions, OPERATION_CHECKS, VERIFY_CHECKS } from './checks/options.js'
import type { PersistencyError } from './errors.js'
import {
  KvBackup,
  KvCompact,
  type KvOperation,
  KvStats,
  KvVerify,
  MaintenanceProgress
} from './maintenance/messages.js'
import type {
  Backup,
  BackupOptions,
  Compaction,
  JobStats,
  OperationOptions,
  StatsOptions,
  VerifyOptions,
  VerifyReport
} from './maintenance/types.js'
import { type ComparedJournal, verifyJournal } from './maintenance/verify-journal.js'
import { KvFlush } from './messages.js'
import type { ResolvedJobOptions } from './options.js'
import type { ReadOptions } from './types.js'
import type { JobWrites } from './writes/job-writes.js'

type Answer<T> = ResultAsync<T, PersistencyError>

export interface JobMaintenanceParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly options: ResolvedJobOptions
  readonly writes: JobWrites
  readonly ask: Ask
  readonly journal: ComparedJournal
}

/** Not traced: the user called `stats`, for instance, not this request. */
const UntracedFlush = untraced(KvFlush)

let lastOperation = 0

export class JobMaintenance {
  readonly #parts: JobMaintenanceParts

  constructor(parts: JobMaintenanceParts) {
    this.#parts = parts
  }

  backup(path: string, options: BackupOptions | undefined): Answer<Backup> {
    const checks = { ...OPERATION_CHECKS, overwrite: booleanValue }
    return Result.combine([checkPath(path), checkOptions<BackupOptions>(options, checks)]).asyncAndThen(
      ([target, { overwrite = false, ...how }]) =>
        this.#operate(how, (operation) => ({
          request: KvBackup,
          payload: { operation, path: target, overwrite }
        }))
    )
  }

  verify(options: VerifyOptions | undefined): Answer<VerifyReport> {
    return checkOptions<VerifyOptions>(options, VERIFY_CHECKS).asyncAndThen((checked) =>
      this.#operate(checked, (operation) => ({
        request: KvVerify,
        payload: { operation, quick: checked.quick ?? false }
      })).andThen((report) => verifyJournal(report, checked, this.#parts.journal))
    )
  }

  compact(options: OperationOptions | undefined): Answer<Compaction> {
    return checkOptions<OperationOptions>(options, OPERATION_CHECKS).asyncAndThen((checked) =>
      this.#operate(checked, (operation) => ({ request: KvCompact, payload: { operation } }))
    )
  }

  stats(options: StatsOptions | undefined): Answer<JobStats> {
    const checks = { rows: booleanValue, signal: abortSignal }
    return checkOptions<StatsOptions>(options, checks)
      .asyncAndThen(({ rows = true, signal }) => this.#afterWrites(KvStats, { rows }, signal))
      .map((stored) => ({
        ...stored,
        queue: this.#parts.writes.queue.depth,
        commits: this.#parts.writes.latencies.stats(),
        options: this.#parts.options
      }))
  }

  /** Watches the progress if wanted, asks, and stops watching. */
  #operate<Payload extends KvOperation, Response>(
    { onProgress, signal }: OperationOptions,
    prepare: (operation: number) => {
      request: RequestDefinition<Payload, Response, PersistencyError>
      payload: Payload
    }
  ): Answer<Response> {
    const operation = ++lastOperation
    const { request, payload } = prepare(operation)
    const stopWatching = this.#watch(operation, onProgress)
    const answered = async (): Promise<Result<Response, PersistencyError>> => {
      const result = await this.#afterWrites(request, payload, signal)
      stopWatching()
      return result
    }
    return new ResultAsync(answered())
  }

  #watch(operation: number, onProgress: OperationOptions['onProgress']): () => void {
    if (onProgress === undefined) return () => {}
    const { hub, context } = this.#parts
    const listener = hub.listen(context, MaintenanceProgress, (event) => {
      if (event.operation !== operation) return
      const { phase, done, total } = event
      onProgress({ phase, done, ...(total !== undefined && { total }) })
    })
    return () => void listener.drop()
  }

  /** Asks when everything that was accepted before is committed, so that it is part of what is looked at. */
  #afterWrites<Payload, Response>(
    request: RequestDefinition<Payload, Response, PersistencyError>,
    payload: Payload,
    signal: ReadOptions['signal']
  ): Answer<Response> {
    const { ask } = this.#parts
    const patience = { timeoutMs: Number.POSITIVE_INFINITY, signal }
    return ask(UntracedFlush, { durable: false }, patience).andThen(() => ask(request, payload, patience))
  }
}
