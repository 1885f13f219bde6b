/**
 * Owns the tenants of a directory: which jobs are open, opening, closing. What is asked for one id happens in the order in
 * which it was asked for; other ids are not waited for. Knows no SQL and no threads.
 */
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import { PersistencyError } from './errors.js'
import { Job } from './job.js'
import { JobCore } from './job-core.js'
import type { ResolvedJobOptions } from './options.js'
import type { OpenedStorage, StorageEngine } from './storage-engine.js'

export interface TenantsParts {
  /** Names the place in messages. */
  readonly rootDir: string
  readonly hub: BrokerHub
  /** The parent of the contexts of the jobs. */
  readonly context: BrokerContext
  readonly engine: StorageEngine
}

/** An open job and the storage that serves it. */
interface Tenant {
  readonly core: JobCore
  readonly storage: OpenedStorage
}

/** An opening under way. */
interface Opening {
  readonly done: Promise<Result<Job, PersistencyError>>
  /** Whether it makes a job that is not there. */
  readonly create: boolean
}

export class Tenants {
  readonly #parts: TenantsParts
  readonly #tenants = new Map<string, Tenant>()
  readonly #jobs = new Map<string, Job>()
  /** The last of the openings, closings and removals of each id. */
  readonly #lines = new Map<string, Promise<unknown>>()
  /** The last opening of each id that is under way; calls that nothing else came between take part in it. */
  readonly #openings = new Map<string, Opening>()
  #closing: Promise<Result<void, PersistencyError>> | undefined

  constructor(parts: TenantsParts) {
    this.#parts = parts
  }

  /** The open jobs by id; follows along as jobs open and close. */
  get jobs(): ReadonlyMap<string, Job> {
    return this.#jobs
  }

  /** Why none is opened any more, once they are closed for good. */
  get ended(): PersistencyError | undefined {
    if (this.#closing === undefined) return undefined
    const message = `the persistency of ${this.#parts.rootDir} is closed`
    return new PersistencyError('ERR_PERSISTENCY_CLOSED', message)
  }

  /** Begins to open a job, or takes part in an opening that nothing else has come behind. */
  open(id: string, options: ResolvedJobOptions): Promise<Result<Job, PersistencyError>> {
    const { create } = options
    const shared = this.#openings.get(id)
    // One that makes nothing is no answer to a call that would have the job made.
    const suits = shared !== undefined && (shared.create || !create)
    if (suits && shared.done === this.#lines.get(id)) return shared.done
    const opening: Opening = { done: this.#inLine(id, () => this.#open(id, options)), create }
    this.#openings.set(id, opening)
    void opening.done.then(() => {
      if (this.#openings.get(id) === opening) this.#openings.delete(id)
    })
    return opening.done
  }

  /** Closes a job; one that is not open is closed. */
  close(id: string): Promise<Result<void, PersistencyError>> {
    return this.#inLine(id, () => this.#close(id, this.#tenants.get(id)))
  }

  /** Closes a job and deletes what it has stored. */
  drop(id: string): Promise<Result<void, PersistencyError>> {
    return this.#inLine(id, async () => {
      const closed = await this.#close(id, this.#tenants.get(id))
      return closed.isErr() ? closed : await this.#parts.engine.remove(id)
    })
  }

  /**
   * Puts a backup in the place of a job. The jobs of the file that it is read from, if there are any, wait as well; and so
   * do other restores of the same file, which would be taken for its owners.
   */
  restore(id: string, from: string, overwrite: boolean): Promise<Result<void, PersistencyError>> {
    const { engine } = this.#parts
    const sources = engine.jobsAt?.(from) ?? []
    // No id is a path.
    return this.#inLines(new Set([id, ...sources, from]), async () => {
      if (this.#jobs.has(id)) return inUse(`job "${id}" is open; close it before restoring it`)
      const source = sources.find((job) => this.#jobs.has(job))
      if (source !== undefined) {
        return inUse(`${from}: is the file of job "${source}", which is open; close it first, or back it up`)
      }
      if (engine.restore !== undefined) return await engine.restore(id, from, overwrite)
      return err(
        new PersistencyError('ERR_RESTORE', `${from}: the storage of this persistency has no backups`)
      )
    })
  }

  /** Closes every job and the engine, and opens none from now on. Answers the first error of a job. */
  closeAll(): Promise<Result<void, PersistencyError>> {
    this.#closing ??= this.#closeAll([...new Set([...this.#lines.keys(), ...this.#tenants.keys()])])
    return this.#closing
  }

  async #closeAll(ids: readonly string[]): Promise<Result<void, PersistencyError>> {
    const closed = await ResultAsync.combine(ids.map((id) => new ResultAsync(this.close(id))))
    this.#parts.engine.close?.()
    return closed.map(() => undefined)
  }

  async #open(id: string, options: ResolvedJobOptions): Promise<Result<Job, PersistencyError>> {
    if (this.ended !== undefined) return err(this.ended)
    const open = this.#jobs.get(id)
    if (open !== undefined) return ok(open)
    const { hub, engine } = this.#parts
    const context = this.#parts.context.child(id)
    let tenant: Tenant | undefined
    let failure: PersistencyError | undefined
    const onFailed = (error: PersistencyError): void => {
      failure = error
      if (tenant !== undefined) this.#fail(id, tenant, error)
    }
    const onRestart = {
      interrupted: (error: PersistencyError) => tenant?.core.restart?.interrupted(error) ?? false,
      resumed: () => tenant?.core.restart?.resumed()
    }
    const onProcessEnd = (): void => tenant?.core.endWithProcess()
    const storage = await engine.open({
      ...{ jobId: id, hub, context, options, onFailed, onProcessEnd },
      ...(options.restart && { onRestart })
    })
    if (storage.isErr()) return err(storage.error)
    if (failure !== undefined) return err(failure)
    const close = (): ResultAsync<void, PersistencyError> =>
      // The handle may be an old one of an id that has been opened again.
      new ResultAsync(this.#inLine(id, () => this.#close(id, tenant)))
    const core = new JobCore({ id, hub, context, options })
    const job = new Job(core, close)
    tenant = { core, storage: storage.value }
    this.#tenants.set(id, tenant)
    this.#jobs.set(id, job)
    core.announceOpened()
    return ok(job)
  }

  async #close(id: string, tenant: Tenant | undefined): Promise<Result<void, PersistencyError>> {
    if (tenant === undefined || this.#tenants.get(id) !== tenant) return ok(undefined)
    const { core, storage } = tenant
    await core.beginClose()
    // Its storage may have died meanwhile, of which everybody has been told.
    if (this.#tenants.get(id) !== tenant) return ok(undefined)
    const closed = await storage.close()
    this.#forget(id, tenant)
    if (closed.isErr()) core.fail(closed.error)
    else core.finishClose()
    return closed
  }

  #fail(id: string, tenant: Tenant, error: PersistencyError): void {
    this.#forget(id, tenant)
    tenant.core.fail(error)
  }

  #forget(id: string, tenant: Tenant): void {
    if (this.#tenants.get(id) !== tenant) return
    this.#tenants.delete(id)
    this.#jobs.delete(id)
  }

  /** Does `work` after everything that was asked for the same id before; at once when there is nothing. */
  #inLine<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#inLines(new Set([id]), work)
  }

  /**
   * The same for some ids. All lines are joined at once, so that whoever waits does so for calls that were made before;
   * no two wait for each other.
   */
  #inLines<T>(ids: ReadonlySet<string>, work: () => Promise<T>): Promise<T> {
    const before = [...ids].flatMap((id) => this.#lines.get(id) ?? [])
    const mine = before.length === 0 ? work() : Promise.all(before).then(work)
    for (const id of ids) this.#lines.set(id, mine)
    void mine.then(() => {
      for (const id of ids) if (this.#lines.get(id) === mine) this.#lines.delete(id)
    })
    return mine
  }
}

function inUse(message: string): Result<never, PersistencyError> {
  return err(new PersistencyError('ERR_JOB_IN_USE', message))
}
