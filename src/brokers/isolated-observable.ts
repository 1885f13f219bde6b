/** Owns the observable face of an event: hot, never ending in an error, and unharmed by what its subscribers throw. */
import { Observable, type Observer, type Operator, type Subscriber, type Subscription } from 'rxjs'
import { isThenable } from '../runtime/thenable.js'

/**
 * An observable whose plain subscribers may throw.
 *
 * RxJS 7 turns a throwing `next` handler into an uncaught exception, later and elsewhere. Here the error goes to
 * `onError` instead, and the subscription goes on; so does a rejection of an async handler. An error in an operator
 * between here and the subscriber (a `map` that throws, say) ends that subscription, as RxJS defines it; without an
 * `error` handler it too goes to `onError`.
 */
export class IsolatedObservable<T> extends Observable<T> {
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void, subscribe?: (subscriber: Subscriber<T>) => () => void) {
    super(subscribe)
    this.#onError = onError
  }

  /** Operators applied with `pipe` keep the isolation. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new IsolatedObservable<R>(this.#onError)
    lifted.source = this
    lifted.operator = operator as Operator<unknown, R>
    return lifted
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null
  ): Subscription {
    // An operator subscribes with a Subscriber of its own, which must be passed on as it is.
    if (isSubscriber(observerOrNext)) return super.subscribe(observerOrNext)
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'function' || observerOrNext == null
        ? {
            ...(observerOrNext && { next: observerOrNext }),
            ...(error && { error }),
            ...(complete && { complete })
          }
        : observerOrNext
    return super.subscribe({
      next: (value) => this.#guard(() => observer.next?.(value)),
      error: (failure) => {
        if (observer.error === undefined) this.#onError(failure)
        else this.#guard(() => observer.error?.(failure))
      },
      complete: () => this.#guard(() => observer.complete?.())
    })
  }

  #guard(run: () => unknown): void {
    try {
      const outcome = run()
      if (isThenable(outcome)) outcome.then(undefined, this.#onError)
    } catch (thrown) {
      this.#onError(thrown)
    }
  }
}

/** By shape, as RxJS does it: an operator of another copy of RxJS subscribes with a Subscriber of that copy. */
function isSubscriber<T>(value: unknown): value is Subscriber<T> {
  if (typeof value !== 'object' || value === null || !('closed' in value)) return false
  const { next, error, complete, add, remove, unsubscribe } = value as Partial<Subscriber<T>>
  return [next, error, complete, add, remove, unsubscribe].every((method) => typeof method === 'function')
}
