/** Owns several tenants beside what they must hold: makes random calls, and compares every answer with a sorted map. */
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'
import type { Result, ResultAsync } from 'neverthrow'
import {
  EventBroker,
  type Job,
  JobFailed,
  type Key,
  type KeyRange,
  type KvRow,
  Persistency,
  type PersistencyError,
  PersistFailed,
  prefixRange,
  rawKey,
  type TxOp
} from 'persistency'
import { SortedModel } from '../../support/storage-model.js'
import { hexOf } from '../../support/storage-results.js'
import { rowsIn } from '../../support/storage-sqlite.js'
import { check, checkEqual } from './checks.mjs'
import type { Opener } from './openers.js'
import type { Random } from './random.js'
import { settles } from './settles.js'

/** Jest hands out a copy of `process`, which hears nothing of threads. */
const realProcess = runInThisContext('process') as NodeJS.Process

const CATEGORIES = ['', 'a', 'aa', 'ä']
const EVERYTHING = rawKey(new Uint8Array(0))

type Answer = Result<unknown, PersistencyError>
type Awaitable = PromiseLike<Answer> | ResultAsync<unknown, PersistencyError>

/** A tenant, what it must hold, and what it may hold if its thread dies now. */
interface Tenant {
  readonly id: string
  job: Job
  worker: Worker | undefined
  model: SortedModel
  /** The states after each write that is not known to be committed; the first is known to be. */
  possible: string[][]
  /** Checks of answers that are under way. */
  readonly pending: Promise<void>[]
}

export class ModelWorld {
  readonly counts = new Map<string, number>()
  readonly #opener: Opener
  readonly #random: Random
  readonly #root: string
  readonly #owner: Persistency
  readonly #tenants: Tenant[] = []
  readonly #log: string[] = []
  readonly #workers: Worker[] = []
  readonly #onWorker = (worker: Worker): void => void this.#workers.push(worker)

  constructor(opener: Opener, random: Random, root: string) {
    this.#opener = opener
    this.#random = random
    this.#root = root
    this.#owner = Persistency.open({
      rootDir: opener.stored ? root : ':memory:',
      ...opener.options
    })._unsafeUnwrap()
    realProcess.on('worker', this.#onWorker)
  }

  lastSteps(): string {
    return this.#log.slice(-25).join(' ')
  }

  async step(): Promise<void> {
    if (this.#tenants.length < 3) {
      this.#tenants.push(await this.#opened(`tenant${this.#tenants.length}`, new SortedModel()))
    }
    const random = this.#random
    const tenant = random.pick(this.#tenants)
    const chance = random.unit()
    if (chance < 0.4) this.#write(tenant)
    else if (chance < 0.87) await this.#read(tenant)
    else if (chance < 0.92) this.#deleteAcked(tenant)
    else if (chance < 0.96) this.#flush(tenant)
    else if (chance < 0.985) await this.#reopen(tenant)
    else if (this.#opener.threads === 'none') await this.#reopen(tenant)
    else await this.#kill(tenant)
    if (random.chance(0.1)) await this.#answered(tenant)
    if (random.chance(0.05)) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Everything is answered, closed, and on disk as the model has it. */
  async end(): Promise<void> {
    for (const tenant of this.#tenants) await this.#answered(tenant)
    await settles('closing', this.#owner.close())
    if (!this.#opener.stored) return
    for (const { id, model } of this.#tenants) {
      const stored = rowsIn(join(this.#root, `${id}.db`)).map(
        (row) => `${row.category} ${row.key}=${row.payload}`
      )
      checkEqual(stored, model.rows(), `the file of ${id}`)
    }
  }

  async close(): Promise<void> {
    realProcess.off('worker', this.#onWorker)
    await this.#owner.close()
  }

  async #opened(id: string, holds: SortedModel): Promise<Tenant> {
    const before = this.#workers.length
    const job = (await settles('opening', this.#owner.openJob(id)))._unsafeUnwrap()
    const worker = this.#workers[before]
    // What a death costs is looked for in the file; nobody needs to be warned of it.
    new EventBroker(undefined, job.context).listen(PersistFailed, () => {})
    return { id, job, worker, model: holds, possible: [holds.rows()], pending: [] }
  }

  #did(what: string, tenant: Tenant, details: unknown = ''): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
    this.#log.push(`${tenant.id}.${what}(${typeof details === 'string' ? details : JSON.stringify(details)})`)
  }

  /** The answer is awaited later, and must be what the model says now: calls are answered in the order they are made. */
  #expect(
    tenant: Tenant,
    what: string,
    answer: Awaitable,
    expected: unknown,
    shown: (value: never) => unknown = (value) => value
  ): void {
    const at = this.#log.length
    const checked = settles(what, Promise.resolve<Answer>(answer)).then((result) => {
      if (result.isErr()) throw new Error(`${what}, step ${at}: ${String(result.error)}`)
      checkEqual(shown(result.value as never), expected, `${what}, step ${at}`)
    })
    // It is looked at when the tenant is; until then a failure is not unhandled.
    checked.catch(() => {})
    tenant.pending.push(checked)
  }

  async #answered(tenant: Tenant): Promise<void> {
    await Promise.all(tenant.pending.splice(0))
  }

  #write(tenant: Tenant): void {
    const ops = Array.from({ length: this.#random.integer(1, 5) }, () => this.#op())
    const acked = this.#random.chance(0.3)
    this.#did(acked ? 'persistAcked' : 'persist', tenant, ops.map(({ kind }) => kind).join(' '))
    this.#apply(tenant, ops)
    if (acked)
      this.#expect(
        tenant,
        'persistAcked',
        this.#committed(tenant, tenant.job.persistAcked(ops)),
        ops.length,
        (commit: { ops: number }) => commit.ops
      )
    else this.#expect(tenant, 'persist', tenant.job.persist(ops), undefined)
  }

  #deleteAcked(tenant: Tenant): void {
    const [category, key] = [this.#random.pick(CATEGORIES), this.#key()]
    const was = tenant.model.get(category, key) !== undefined
    this.#did('deleteAcked', tenant)
    this.#apply(tenant, [{ kind: 'delete', category, key }])
    this.#expect(tenant, 'deleteAcked', this.#committed(tenant, tenant.job.deleteAcked(category, key)), was)
  }

  #flush(tenant: Tenant): void {
    const durable = this.#random.chance(0.3)
    this.#did('flush', tenant)
    this.#expect(tenant, 'flush', this.#committed(tenant, tenant.job.flush({ durable })), undefined)
  }

  #apply(tenant: Tenant, ops: TxOp[]): void {
    tenant.model.apply(ops)
    tenant.possible.push(tenant.model.rows())
  }

  /** Once such a call is ok, nothing older than the state at its making can come back. */
  #committed(tenant: Tenant, answer: Awaitable): Promise<Answer> {
    const state = tenant.possible.at(-1) as string[]
    return Promise.resolve<Answer>(answer).then((result) => {
      const at = tenant.possible.lastIndexOf(state)
      if (result.isOk() && at > 0) tenant.possible.splice(0, at)
      return result
    })
  }

  async #read(tenant: Tenant): Promise<void> {
    const { job, model: holds } = tenant
    const random = this.#random
    const [category, key, range] = [random.pick(CATEGORIES), this.#key(), this.#range()]
    const there = holds.get(category, key)
    const reverse = random.chance(0.4)
    const limit = random.chance(0.5) ? { limit: random.integer(0, 5) } : {}
    const options = { reverse, keysOnly: random.chance(0.2), ...limit }
    const reads: Record<string, () => void> = {
      get: () => this.#expect(tenant, 'get', job.get(category, key), there, copied),
      getMany: () =>
        this.#expect(tenant, 'getMany', job.getMany(category, [key, key]), [there, there], copies),
      exists: () => this.#expect(tenant, 'exists', job.exists(category, key), there !== undefined),
      count: () =>
        this.#expect(tenant, 'count', job.count(category, range), holds.scan(category, range).length),
      scan: () =>
        this.#expect(
          tenant,
          'scan',
          job.scan(category, range, options),
          shown(holds.scan(category, range, options)),
          shown
        )
    }
    const name = random.pick([...Object.keys(reads), 'stream'])
    this.#did(name, tenant)
    reads[name]?.()
    if (name !== 'stream') return
    // A stream reads each page when it is needed: nothing may be written before it has ended.
    const rows: KvRow[] = []
    for await (const row of job.stream(category, range, { ...options, pageSize: random.integer(1, 4) }))
      rows.push(row)
    checkEqual(shown(rows), shown(holds.scan(category, range, options)), 'stream')
  }

  async #reopen(tenant: Tenant): Promise<void> {
    this.#did('close and open', tenant)
    const closing = tenant.job.close()
    await this.#answered(tenant)
    ;(await settles('closing', closing))._unsafeUnwrap()
    if (!this.#opener.stored) tenant.model = new SortedModel()
    this.#replace(tenant, await this.#opened(tenant.id, tenant.model))
  }

  /** The thread of a tenant dies, and with it every tenant that it serves. */
  async #kill(tenant: Tenant): Promise<void> {
    const together = this.#opener.threads === 'one'
    const dying = together ? [...this.#tenants] : [tenant]
    const worker = together ? this.#workers.at(-1) : tenant.worker
    if (worker === undefined) return
    this.#did('death', tenant)
    for (const one of dying) await this.#answered(one)
    if (this.#opener.options.restart === true) {
      await this.#outlive(tenant, dying, worker)
      return
    }
    const gone = Promise.all(dying.map(({ job }) => failureOf(job)))
    for (const one of dying) this.#writeUnawaited(one)
    if (this.#random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve))
    void worker.terminate()
    await settles('the failure of the jobs', gone)
    for (const one of dying) await this.#revive(one)
  }

  /** Jobs with `restart` lose nothing: the model stays, and the next calls are made while no thread is there yet. */
  async #outlive(tenant: Tenant, dying: readonly Tenant[], worker: Worker): Promise<void> {
    // A thread that has done nothing is not followed by others for ever.
    for (const { job } of dying) (await settles('a flush', job.flush()))._unsafeUnwrap()
    for (const one of dying) this.#writeUnawaited(one)
    if (this.#random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve))
    const next = new Promise<Worker>((resolve) => realProcess.once('worker', resolve))
    void worker.terminate()
    tenant.worker = await settles('another thread', next)
  }

  #writeUnawaited(tenant: Tenant): void {
    for (let left = this.#random.integer(0, 4); left > 0; left--) {
      const ops = [this.#op()]
      this.#apply(tenant, ops)
      void tenant.job.persist(ops)
    }
  }

  /** After a death the file holds what some prefix of the accepted writes makes, and all that was acknowledged. */
  async #revive(tenant: Tenant): Promise<void> {
    const again = await this.#opened(tenant.id, new SortedModel())
    await this.#readBack(again)
    const held = this.#opener.stored ? tenant.possible : [[]]
    const rows = again.model.rows().join()
    const known = held.some((state) => state.join() === rows)
    const others = held.map((state) => state.join()).join(' | ')
    check(known, `after a death there is ${rows}, which is none of ${others}`)
    this.#replace(tenant, again)
  }

  #replace(tenant: Tenant, by: Tenant): void {
    Object.assign(tenant, { job: by.job, worker: by.worker, model: by.model, possible: [by.model.rows()] })
  }

  /** Makes what is stored the model. */
  async #readBack({ job, model }: Tenant): Promise<void> {
    for (const category of CATEGORIES) {
      const rows = (await settles('a scan', job.scan(category, EVERYTHING, { copy: true })))._unsafeUnwrap()
      model.apply(rows.map(({ key, payload }) => ({ kind: 'put', category, key, payload })))
    }
  }

  #key(): Key {
    const random = this.#random
    return rawKey(
      Uint8Array.from({ length: random.integer(0, 3) }, () => random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]))
    )
  }

  #range(): KeyRange {
    if (this.#random.chance(0.4)) return prefixRange(this.#key())
    return this.#random.chance(0.5) ? { start: this.#key() } : { start: this.#key(), stop: this.#key() }
  }

  #op(): TxOp {
    const random = this.#random
    const [category, key] = [random.pick(CATEGORIES), this.#key()]
    const chance = random.unit()
    if (chance < 0.7) return { kind: 'put', category, key, payload: random.bytes(random.integer(0, 4)) }
    return chance < 0.9 ? { kind: 'delete', category, key } : { kind: 'deletePrefix', category, prefix: key }
  }
}

function failureOf(job: Job): Promise<void> {
  return new Promise((resolve) => {
    new EventBroker(undefined, job.context).listen(JobFailed, () => resolve())
  })
}

function shown(rows: readonly KvRow[]): string[] {
  return rows.map(({ key, payload }) => `${hexOf(key.bytes)}=${hexOf(payload)}`)
}

/** Of the realm and the class of the model's. */
function copied(payload: Uint8Array | undefined): Uint8Array | undefined {
  return payload === undefined ? undefined : new Uint8Array(payload)
}

function copies(payloads: readonly (Uint8Array | undefined)[]): (Uint8Array | undefined)[] {
  return payloads.map(copied)
}
