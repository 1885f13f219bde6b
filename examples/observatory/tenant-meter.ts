/** Owns what is counted of one open job between two frames. Holds numbers, never the writes themselves. */
import {
  type BrokerHub,
  EventBroker,
  type Job,
  PersistCommitted,
  type PersistCommittedPayload,
  PersistEvent,
  PersistFailed,
  type PersistFailedPayload
} from 'persistency'
import { isPrintable, visible } from './printable.js'
import type { TenantFrame } from './wire.js'

/** Failures that say the same. */
export interface FailureCount {
  readonly code: string
  readonly message: string
  count: number
}

export interface TenantCounts {
  readonly frame: TenantFrame
  readonly transactions: number
  readonly ops: number
  readonly bytes: number
  /** The first few kinds of failure in the interval; `frame.failures` counts all. */
  readonly failures: readonly FailureCount[]
}

/** More commits than this in one interval count for the slowest one, not for the median. */
const MEDIAN_OF = 4096
const TOLD_FAILURES = 5
const MAX_CATEGORIES = 32
const MAX_CATEGORY_LENGTH = 64
const MAX_MESSAGE_LENGTH = 300

export class TenantMeter {
  readonly #job: Job
  readonly #listeners: readonly { drop(): unknown }[]
  readonly #categories = new Set<string>()
  #newCategory = false
  #transactions = 0
  #ops = 0
  #bytes = 0
  #commitMs: number[] = []
  #slowestMs = 0
  #longestQueue = { ops: 0, bytes: 0 }
  #failed = 0
  #failures: FailureCount[] = []

  constructor(job: Job, hub: BrokerHub) {
    this.#job = job
    const events = new EventBroker(hub, job.context)
    this.#listeners = [
      events.listen(PersistEvent, ({ ops }) => this.#accepted(ops[0]?.category)),
      events.listen(PersistCommitted, (commit) => this.#committed(commit)),
      events.listen(PersistFailed, (failure) => this.#failedWrite(failure))
    ]
  }

  get categories(): readonly string[] {
    return [...this.#categories].sort()
  }

  /** Whether a category was met for the first time since this was last asked. */
  takeNewCategory(): boolean {
    const found = this.#newCategory
    this.#newCategory = false
    return found
  }

  /** What was counted since the last call; `undefined` when nothing happened. */
  take(seconds: number): TenantCounts | undefined {
    this.#see(this.#job.queued)
    const idle = this.#transactions === 0 && this.#failed === 0 && this.#longestQueue.ops === 0
    if (idle) return undefined
    const counts: TenantCounts = {
      frame: {
        id: this.#job.id,
        opsPerSecond: round(this.#ops / seconds),
        bytesPerSecond: round(this.#bytes / seconds),
        queuedOps: this.#longestQueue.ops,
        queuedBytes: this.#longestQueue.bytes,
        medianCommitMs: median(this.#commitMs),
        slowestCommitMs: this.#transactions === 0 ? null : round(this.#slowestMs),
        failures: this.#failed
      },
      transactions: this.#transactions,
      ops: this.#ops,
      bytes: this.#bytes,
      failures: this.#failures
    }
    this.#transactions = this.#ops = this.#bytes = this.#slowestMs = this.#failed = 0
    this.#commitMs = []
    this.#failures = []
    this.#longestQueue = { ops: 0, bytes: 0 }
    return counts
  }

  drop(): void {
    for (const listener of this.#listeners) listener.drop()
  }

  #accepted(category: string | undefined): void {
    if (category === undefined || this.#categories.has(category)) return
    if (this.#categories.size >= MAX_CATEGORIES || category.length > MAX_CATEGORY_LENGTH) return
    // A suggestion that cannot be read, or typed, is none.
    if (!isPrintable(category)) return
    this.#categories.add(category)
    this.#newCategory = true
  }

  #committed({ writes, ops, bytes, commitMs }: PersistCommittedPayload): void {
    if (writes === 0) return
    // The queue is shorter already by what was committed.
    const left = this.#job.queued
    this.#see({ ops: left.ops + ops, bytes: left.bytes + bytes })
    this.#transactions++
    this.#ops += ops
    this.#bytes += bytes
    this.#slowestMs = Math.max(this.#slowestMs, commitMs)
    if (this.#commitMs.length < MEDIAN_OF) this.#commitMs.push(commitMs)
  }

  #failedWrite({ error }: PersistFailedPayload): void {
    this.#failed++
    const code = visible(error.backendCode === undefined ? error.code : `${error.code}, ${error.backendCode}`)
    const message = visible(error.message, MAX_MESSAGE_LENGTH)
    const same = this.#failures.find((known) => known.code === code && known.message === message)
    if (same !== undefined) same.count++
    else if (this.#failures.length < TOLD_FAILURES) this.#failures.push({ code, message, count: 1 })
  }

  #see({ ops, bytes }: { readonly ops: number; readonly bytes: number }): void {
    this.#longestQueue = {
      ops: Math.max(this.#longestQueue.ops, ops),
      bytes: Math.max(this.#longestQueue.bytes, bytes)
    }
  }
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  return middle === undefined ? null : round(middle)
}

const round = (value: number): number => Math.round(value * 1000) / 1000
