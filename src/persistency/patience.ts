/** Owns giving up on something that goes on without us: a time limit and an abort signal around a promise. */
import { AsyncResource } from 'node:async_hooks'
import { err, type Result } from 'neverthrow'
import { onAbort, reasonOf } from '../runtime/cancel-signals.js'
import { LONGEST_TIMER_MS } from '../runtime/deadlines.js'
import { PersistencyError } from './errors.js'

export interface PatienceOptions {
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** For what begins only later: of the time a millisecond at least. */
type Left = { readonly timeoutMs: number; readonly signal: AbortSignal | undefined }

export class Patience {
  readonly #what: string
  readonly #options: PatienceOptions
  readonly #since: number
  #end: PersistencyError | undefined

  /**
   * @param what names what is waited for, for messages
   * @param since when the waiting began, of `performance.now()`
   */
  constructor(what: string, options: PatienceOptions, since = performance.now()) {
    this.#what = what
    this.#options = options
    this.#since = since
    if (options.signal?.aborted) this.#end = this.#aborted(reasonOf(options.signal))
  }

  /** Why nobody waits any more: `ERR_TIMEOUT` or `ERR_ABORTED`; `undefined` as long as somebody does. */
  get end(): PersistencyError | undefined {
    return this.#end
  }

  /** `work` for later, in the async context of now, told what is left of this; nothing once nobody waits any more. */
  later<Args extends unknown[]>(work: (left: Left, ...args: Args) => void): (...args: Args) => void {
    return AsyncResource.bind((...args: Args) => {
      if (this.#end === undefined) work(this.#left, ...args)
    })
  }

  get #left(): Left {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = this.#options
    return { timeoutMs: Math.max(1, Math.ceil(this.#since + timeoutMs - performance.now())), signal }
  }

  /** The result of `work`, or `ERR_TIMEOUT` or `ERR_ABORTED` when one of these comes first. */
  bound<T>(work: Promise<Result<T, PersistencyError>>): Promise<Result<T, PersistencyError>> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = this.#options
    if (timeoutMs > LONGEST_TIMER_MS && signal === undefined) return work
    return new Promise((resolve) => {
      let leave = (): void => {}
      const settle = (result: Result<T, PersistencyError>): void => {
        clearTimeout(timer)
        leave()
        resolve(result)
      }
      const giveUp = (end: PersistencyError): void => {
        this.#end = end
        settle(err(end))
      }
      const onTimeout = (): void => giveUp(this.#timedOut(timeoutMs))
      const timer = timeoutMs > LONGEST_TIMER_MS ? undefined : setTimeout(onTimeout, this.#left.timeoutMs)
      leave = onAbort(signal, () => giveUp(this.#aborted(reasonOf(signal))))
      void work.then(settle)
    })
  }

  #timedOut(timeoutMs: number): PersistencyError {
    return new PersistencyError('ERR_TIMEOUT', `${this.#what} got no answer within ${timeoutMs} ms`)
  }

  #aborted(reason: unknown): PersistencyError {
    return new PersistencyError('ERR_ABORTED', `${this.#what} was aborted by its caller`, { cause: reason })
  }
}
