/**
 * Owns how the storage of one job leaves the others on its thread their turn: it pauses when its slice is over, and
 * waits for a lock by trying again later instead of blocking the thread. On a thread of its own it does neither.
 */
import type { ThreadShare } from '../../threads/worker/rota.js'
import { isBusy, type Patient, RETRY_MS } from './busy.js'

export class Pace {
  readonly #share: ThreadShare | undefined
  readonly #patient: Patient
  #lockedSince: number | undefined
  #hurry = false

  constructor(share: ThreadShare | undefined, patient: Patient) {
    this.#share = share
    this.#patient = patient
  }

  /** Whether there are others on the thread. */
  get shared(): boolean {
    return this.#share !== undefined
  }

  /** Whether others should have their turn now. */
  get over(): boolean {
    return this.#share !== undefined && !this.#hurry && this.#share.over()
  }

  /** Begins the slice anew: what came before was no work on what this job is asked. */
  renew(): void {
    this.#share?.renew()
  }

  /** Goes on with `work` in another turn; after a while, when it `waits` for something or somebody holds a lock. */
  later(work: () => void, waits: boolean): void {
    this.#share?.goOn(work, waits || this.#lockedSince !== undefined ? RETRY_MS : 0)
  }

  /** Does `work`, which does not belong to a message, when it is the turn of this job. */
  inTurn(work: () => void): void {
    if (this.#share === undefined) work()
    else this.#share.push(work)
  }

  /** Whether to try again later what failed: somebody else holds a lock, and for less than `busyTimeoutMs` so far. */
  mayRetry(thrown: unknown): boolean {
    if (this.#share === undefined || this.#hurry || !isBusy(thrown)) return false
    const now = performance.now()
    this.#lockedSince ??= now
    if (now - this.#lockedSince < this.#patient.busyTimeoutMs && !this.#patient.urgent()) return true
    this.#lockedSince = undefined
    return false
  }

  /** There was no lock in the way. */
  unlocked(): void {
    this.#lockedSince = undefined
  }

  /** There is no later any more. */
  hurry(): void {
    this.#hurry = true
  }
}
