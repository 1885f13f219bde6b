/**
 * Owns waiting for a lock that somebody else holds. SQLite could wait by itself, but a thread that is ended while it
 * waits inside of SQLite takes the whole process with it (better-sqlite3 cannot return into a thread that is being
 * terminated). So SQLite waits for moments only, and in between this asks whether the thread is to end.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { PersistencyError } from '../errors.js'
import { type Operation, throwIfEnded } from './operation.js'
import { codeOf } from './sqlite-errors.js'

/** How long SQLite itself waits, in milliseconds. */
export const BUSY_SLICE_MS = 50

/** How long to sleep where SQLite does not wait at all, as when the journal mode changes. */
const PAUSE_MS = 5

/** How long to leave a lock alone before trying again, in milliseconds. */
export const RETRY_MS = 10

/** How patient a storage is. */
export interface Patient {
  readonly busyTimeoutMs: number
  /** Whether the thread is wanted to end now. */
  readonly urgent: () => boolean
}

/** Whether something failed because somebody else holds a lock. */
export function isBusy(thrown: unknown): boolean {
  const code = thrown instanceof PersistencyError ? thrown.backendCode : codeOf(thrown)
  return code?.startsWith('SQLITE_BUSY') ?? false
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Runs `attempt` until it does not fail for a lock, or patience ends; then throws what it threw last. */
export function whenFree<T>({ busyTimeoutMs, urgent }: Patient, attempt: () => T): T {
  const deadline = performance.now() + busyTimeoutMs
  for (;;) {
    try {
      return attempt()
    } catch (thrown) {
      if (!isBusy(thrown) || performance.now() >= deadline || urgent()) throw thrown
      Atomics.wait(pause, 0, 0, PAUSE_MS)
    }
  }
}

/**
 * Makes attempts until one does not fail, or fails with what must not be tried again. The thread does other things in
 * between.
 */
export async function retried<T>(
  attempt: () => T | Promise<T>,
  mayRetry: (thrown: unknown) => boolean
): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (thrown) {
      if (!mayRetry(thrown)) throw thrown
    }
    await delay(RETRY_MS)
  }
}

/** As `whenFree`, for one operation, where the thread is not to be blocked: it does other things in between. */
export function onceFree<T>(busyTimeoutMs: number, operation: Operation, attempt: () => T): Promise<T> {
  const deadline = performance.now() + busyTimeoutMs
  const work = (): T => {
    throwIfEnded(operation)
    return attempt()
  }
  return retried(work, (thrown) => isBusy(thrown) && performance.now() < deadline)
}
