/**
 * Owns watching all jobs of a persistency: which there are, what each does in each interval, what happened. It only
 * listens to events, and emits what it gathers as an event of its own context. Knows no HTTP.
 */
import {
  BrokerContext,
  defineEvent,
  EventBroker,
  JobClosed,
  JobFailed,
  JobOpened,
  type Persistency,
  type PersistencyError
} from 'persistency'
import { Happenings } from './happenings.js'
import { visible } from './printable.js'
import { TenantMeter } from './tenant-meter.js'
import type { Frame, Snapshot, TenantFrame, TenantInfo, Update } from './wire.js'

/** An interval is over. */
export const Sampled = defineEvent<Update>('observatory.sampled')

export interface SamplerOptions {
  /** Length of an interval in milliseconds. Default 1000. */
  readonly intervalMs?: number
}

const MAX_FRAMES = 180
/** So many tenants that are not open are told. */
const MAX_STORED_JOBS = 1000
/** The directory is looked through every so many intervals. */
const LOOK_EVERY = 10

export class Sampler {
  /** Where {@link Sampled} is emitted. */
  readonly events: EventBroker
  readonly #persistency: Persistency
  readonly #intervalMs: number
  readonly #timer: NodeJS.Timeout
  readonly #listeners: readonly { drop(): unknown }[]
  readonly #tenants = new Map<string, TenantInfo>()
  readonly #meters = new Map<string, TenantMeter>()
  readonly #happenings = new Happenings()
  readonly #frames: Frame[] = []
  readonly #changed = new Set<string>()
  #gone: string[] = []
  /** What tenants did that ended since the last frame. */
  #parting: TenantFrame[] = []
  #intervals = 0
  #since = performance.now()

  constructor(persistency: Persistency, { intervalMs = 1000 }: SamplerOptions = {}) {
    this.#persistency = persistency
    this.#intervalMs = intervalMs
    const { hub } = persistency
    this.events = new EventBroker(hub, BrokerContext.create('observatory'))
    const life = new EventBroker(hub, persistency.context)
    this.#listeners = [
      life.listen(JobOpened, ({ jobId }) => this.#opened(jobId)),
      life.listen(JobClosed, ({ jobId }) => this.#ended(jobId, 'closed')),
      life.listen(JobFailed, ({ jobId, error }) => this.#ended(jobId, 'failed', error))
    ]
    for (const id of persistency.jobs.keys()) this.#watch(id)
    void this.#lookAround()
    this.#timer = setInterval(() => this.#sample(), intervalMs)
  }

  get snapshot(): Snapshot {
    return {
      rootDir: visible(this.#persistency.rootDir),
      intervalMs: this.#intervalMs,
      maxFrames: MAX_FRAMES,
      tenants: [...this.#tenants.values()],
      frames: this.#frames,
      happenings: this.#happenings.all
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const listener of [...this.#listeners, ...this.#meters.values()]) listener.drop()
    this.#meters.clear()
  }

  #opened(id: string): void {
    if (this.#watch(id)) this.#happenings.add({ kind: 'opened', at: Date.now(), id })
  }

  #watch(id: string): boolean {
    const job = this.#persistency.job(id)
    if (job.isErr()) return false
    this.#meters.get(id)?.drop()
    const meter = new TenantMeter(job.value, this.#persistency.hub)
    this.#meters.set(id, meter)
    this.#tell({ id, state: 'open', categories: this.#tenants.get(id)?.categories ?? [] })
    return true
  }

  #ended(id: string, state: 'closed' | 'failed', error?: PersistencyError): void {
    const meter = this.#meters.get(id)
    const parting = meter === undefined ? undefined : this.#note(meter, this.#intervalMs / 1000)
    if (parting !== undefined) this.#parting.push(parting)
    meter?.drop()
    this.#meters.delete(id)
    this.#tell({ id, state, categories: this.#tenants.get(id)?.categories ?? [] })
    const at = Date.now()
    if (error === undefined) this.#happenings.add({ kind: 'closed', at, id })
    else
      this.#happenings.add({ kind: 'died', at, id, code: error.code, message: visible(error.message, 300) })
  }

  #tell(tenant: TenantInfo): void {
    this.#tenants.set(tenant.id, tenant)
    this.#changed.add(tenant.id)
  }

  #sample(): void {
    const now = performance.now()
    const seconds = (now - this.#since) / 1000
    this.#since = now
    const tenants = this.#parting
    this.#parting = []
    for (const [id, meter] of this.#meters) {
      const frame = this.#note(meter, seconds)
      if (frame !== undefined) tenants.push(frame)
      if (meter.takeNewCategory()) this.#tell({ id, state: 'open', categories: meter.categories })
    }
    const frame: Frame = { at: Date.now(), tenants }
    this.#frames.push(frame)
    if (this.#frames.length > MAX_FRAMES) this.#frames.shift()
    const changed = [...this.#changed].flatMap((id) => this.#tenants.get(id) ?? [])
    this.#changed.clear()
    const gone = this.#gone
    this.#gone = []
    const happenings = this.#happenings.takeFresh()
    this.events.emit(Sampled, { frame, tenants: changed, gone, happenings })
    if (++this.#intervals % LOOK_EVERY === 0) void this.#lookAround()
  }

  /** What a meter counted, written down as happenings and answered as its part of a frame. */
  #note(meter: TenantMeter, seconds: number): TenantFrame | undefined {
    const counts = meter.take(seconds)
    if (counts === undefined) return undefined
    const { frame, transactions, ops, bytes, failures } = counts
    const about = { at: Date.now(), id: frame.id }
    if (transactions > 0) this.#happenings.add({ kind: 'commits', ...about, transactions, ops, bytes })
    for (const failure of failures) this.#happenings.add({ kind: 'failure', ...about, ...failure })
    const more = failures.reduce((left, { count }) => left - count, frame.failures)
    if (more > 0) this.#happenings.add({ kind: 'moreFailures', ...about, count: more })
    return frame
  }

  /** Learns of tenants that lie in the directory, and forgets those whose file was removed. */
  async #lookAround(): Promise<void> {
    // In memory there is nothing to be looked through: a tenant that was closed is still told.
    if (this.#persistency.rootDir === ':memory:') return
    const listed = await this.#persistency.listJobs()
    if (listed.isErr()) return
    const stored = new Set(listed.value.slice(0, MAX_STORED_JOBS))
    for (const id of stored) if (!this.#tenants.has(id)) this.#tell({ id, state: 'closed', categories: [] })
    // Of more than that, nobody knows whether a file is gone or was not looked at.
    if (stored.size >= MAX_STORED_JOBS) return
    for (const id of this.#tenants.keys()) {
      if (stored.has(id) || this.#meters.has(id)) continue
      this.#tenants.delete(id)
      this.#gone.push(id)
    }
  }
}
