/** Owns the attributes of what jobs do, and which of them measurements get. */
import type { Attributes } from '@opentelemetry/api'
import type { Persistency } from '../persistency/persistency.js'
import type { ObserverOptions } from './options.js'

/** What `observe` takes. */
export interface ObserveOptions extends ObserverOptions {
  /**
   * Whether measurements tell the jobs apart, as `db.namespace`. Each job is then a time series of its own, of every
   * metric: for few jobs. Spans name the job in any case. Default `false`.
   */
  readonly jobs?: boolean | undefined
  /**
   * Whether measurements of calls tell the categories apart, as `db.collection.name`. For few categories, which are not
   * made from input. Spans name the category in any case. Default `false`.
   */
  readonly categories?: boolean | undefined
}

export class StorageAttributes {
  readonly #options: ObserveOptions
  readonly #constant: Attributes

  constructor(persistency: Persistency, options: ObserveOptions) {
    this.#options = options
    this.#constant = { 'persistency.root_dir': persistency.rootDir, ...options.attributes }
  }

  /** Whether each job is measured by itself. */
  get tellsJobsApart(): boolean {
    return this.#options.jobs ?? false
  }

  /** Of a measurement of a job. */
  ofJob(jobId: string): Attributes {
    return this.tellsJobsApart ? { 'db.namespace': jobId, ...this.#constant } : this.#constant
  }

  /** Of the duration of a call. */
  ofCall(jobId: string, operation: string, category: string | undefined): Attributes {
    const collection = this.#options.categories ? category : undefined
    return { ...callAttributes(operation, collection), ...this.ofJob(jobId) }
  }

  /** Of the span of a call. */
  ofSpan(jobId: string, operation: string, category: string | undefined): Attributes {
    return { ...callAttributes(operation, category), 'db.namespace': jobId, ...this.#constant }
  }
}

function callAttributes(operation: string, category: string | undefined): Attributes {
  const attributes = { 'db.system.name': 'sqlite', 'db.operation.name': operation }
  return category === undefined ? attributes : { ...attributes, 'db.collection.name': category }
}
