/** Owns answering for a job as a whole: backups, checks, figures, compaction. Works beside the session of the job. */
import { statSync } from 'node:fs'
import { setImmediate as nextRound } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { Call, ProviderHandle } from '../../brokers/provider.js'
import { PersistencyError } from '../errors.js'
import {
  KvBackup,
  KvCompact,
  type KvOperation,
  KvStats,
  type KvStatsQuery,
  KvVerify,
  MaintenanceProgress,
  type StorageStats
} from '../maintenance/messages.js'
import type { Compaction, Progress, VerifyReport } from '../maintenance/types.js'
import { type AsideTask, aside } from './aside.js'
import { workHere } from './aside-work.js'
import { backUp } from './backup.js'
import { onceFree } from './busy.js'
import { rewrite, sizeOf } from './compact.js'
import { logBytes } from './files/companions.js'
import { MEMORY } from './files/root-dir.js'
import { type Operation, throwIfEnded } from './operation.js'
import { provide } from './provide.js'
import { rowSteps } from './row-steps.js'
import type { StorageSession } from './session.js'
import { storageError } from './sqlite-errors.js'
import type { StoreHolder } from './store-holder.js'
import { verifyDatabase } from './verify.js'

export interface MaintenanceParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
  readonly file: string
  readonly busyTimeoutMs: number
  readonly holder: StoreHolder
  readonly session: StorageSession
  /** Whether no further thread may be started. */
  readonly alone: boolean
}

export class Maintenance {
  readonly #parts: MaintenanceParts
  readonly #providers: ProviderHandle[] = []
  readonly #running = new Set<Promise<void>>()
  /** Backups and compactions of one job happen one after the other. */
  #line: Promise<unknown> = Promise.resolve()
  #closed: PersistencyError | undefined

  /** Starts to provide in the context. */
  constructor(parts: MaintenanceParts) {
    this.#parts = parts
    this.#provide(KvBackup, ({ path, overwrite }, operation) =>
      this.#inLine(operation, async () => backUp(await this.#open(operation), path, overwrite, operation))
    )
    this.#provide(KvVerify, ({ quick }, operation) => this.#verify(quick, operation))
    this.#provide(KvStats, (query, operation) => this.#stats(query, operation))
    this.#provide(KvCompact, (_, operation) => this.#inLine(operation, () => this.#compact(operation)))
  }

  /** Ends what is under way, as far as it can be ended, and waits for the rest. */
  async close(): Promise<void> {
    const { jobId } = this.#parts
    this.#closed = new PersistencyError('ERR_JOB_CLOSED', `job "${jobId}" was closed meanwhile`)
    for (const provider of this.#providers) provider.remove()
    await Promise.all(this.#running)
  }

  #provide<Query extends KvOperation | KvStatsQuery, Response>(
    request: RequestDefinition<Query, Response, PersistencyError>,
    work: (query: Query, operation: Operation) => Promise<Response>
  ): void {
    const handle = provide(this.#parts, request, (query, call) =>
      this.#run(call, query, (operation) => work(query, operation))
    )
    this.#providers.push(handle)
  }

  /** Works for one call; the database stays open meanwhile. */
  #run(
    call: Call,
    query: KvOperation | KvStatsQuery,
    work: (operation: Operation) => Promise<unknown>
  ): void {
    const letGo = this.#parts.holder.keepOpen()
    const operation = this.#operation(call, 'operation' in query ? query.operation : 0)
    const done = this.#betweenTransactions(operation)
      .then(() => work(operation))
      .then(
        (value) => call.resolve(value),
        (thrown) => call.reject(storageError('ERR_STORAGE', this.#parts.file, thrown))
      )
      .finally(() => {
        letGo()
        this.#running.delete(done)
      })
    this.#running.add(done)
  }

  /** Waits for a transaction that is under way. As the database is kept, the next ones pause no more. */
  async #betweenTransactions(operation: Operation): Promise<void> {
    while (this.#parts.holder.inTransaction) {
      await nextRound()
      throwIfEnded(operation)
    }
  }

  #operation(call: Call, operation: number): Operation {
    const { hub, context, jobId } = this.#parts
    let givenUp: PersistencyError | undefined
    call.onCancel({
      cancelled() {
        givenUp = new PersistencyError('ERR_ABORTED', 'the caller gave up')
      }
    })
    const ended = (): PersistencyError | undefined => this.#closed ?? givenUp
    let told = ''
    return {
      get ended() {
        return ended()
      },
      progress(progress: Progress) {
        // What is tried again for a lock begins again.
        const news = `${progress.phase} ${progress.done}`
        if (news === told) return
        told = news
        hub.emit(context, MaintenanceProgress, { jobId, operation, ...progress })
      }
    }
  }

  #inLine<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    const mine = this.#line.then(() => {
      throwIfEnded(operation)
      return work()
    })
    this.#line = mine.catch(() => {})
    return mine
  }

  /** The database, which stays open. Where it was closed, somebody may have a lock on it by now. */
  #open(operation: Operation): Promise<Database> {
    const { holder, busyTimeoutMs } = this.#parts
    return onceFree(busyTimeoutMs, operation, () => holder.open().connection)
  }

  async #verify(quick: boolean, operation: Operation): Promise<VerifyReport> {
    const { file, busyTimeoutMs, alone } = this.#parts
    if (file === MEMORY) return verifyDatabase(await this.#open(operation), quick, operation)
    const task: AsideTask = { kind: 'verify', file, quick, busyTimeoutMs }
    return (await (alone ? workHere(task, operation) : aside(task, operation))) as VerifyReport
  }

  async #stats({ rows }: KvStatsQuery, operation: Operation): Promise<StorageStats> {
    const { file } = this.#parts
    const db = await this.#open(operation)
    let counted = 0
    if (rows) {
      for (const step of rowSteps(db, false)) {
        counted += step.rows
        await nextRound()
        throwIfEnded(operation)
      }
    }
    const { bytes, freeBytes } = sizeOf(db)
    const onDisk = file !== MEMORY
    return {
      ...(rows && { rows: counted }),
      fileBytes: onDisk ? fileSize(file) : bytes,
      walBytes: onDisk ? logBytes(file) : 0,
      freeBytes
    }
  }

  async #compact(operation: Operation): Promise<Compaction> {
    const { file, busyTimeoutMs, session, alone } = this.#parts
    const db = await this.#open(operation)
    const bytesBefore = sizeOf(db).bytes
    const started = performance.now()
    const task: AsideTask = { kind: 'compact', file, busyTimeoutMs }
    if (file === MEMORY) rewrite(db, operation)
    // In one go: no write can come in between.
    else if (alone) await workHere(task, operation)
    else {
      session.pauseWrites()
      try {
        await aside(task, operation)
      } finally {
        session.resumeWrites()
      }
    }
    return { bytesBefore, bytesAfter: sizeOf(db).bytes, blockedMs: performance.now() - started }
  }
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
