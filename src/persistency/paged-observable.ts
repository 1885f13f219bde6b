/** Owns delivering what is fetched page by page as an Observable. */
import { Observable } from 'rxjs'
import type { CancelSignal } from '../brokers/platform.js'

/** Cold: each subscription fetches for itself, and unsubscribing ends that. A page is delivered in one turn. */
export function pagedObservable<T>(
  signal: CancelSignal | undefined,
  pages: (signal: CancelSignal) => AsyncIterable<readonly T[]>
): Observable<T> {
  return new Observable((subscriber) => {
    const stop = new AbortController()
    const onAbort = (): void => stop.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort)
    const deliver = async (): Promise<void> => {
      for await (const page of pages(stop.signal)) {
        for (const item of page) {
          if (subscriber.closed) return
          subscriber.next(item)
        }
      }
    }
    deliver().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error)
    )
    return () => {
      signal?.removeEventListener('abort', onAbort)
      stop.abort()
    }
  })
}
