/** Owns delivering what is fetched page by page as an Observable. */
import { Observable } from 'rxjs'
import type { CancelSignal } from '../../runtime/platform.js'
import { OwnStop } from './own-stop.js'

/** Cold: each subscription fetches for itself, and unsubscribing ends that. A page is delivered in one turn. */
export function pagedObservable<T>(
  options: { readonly signal?: CancelSignal | undefined } | undefined,
  pages: (signal: CancelSignal) => AsyncIterable<readonly T[]>
): Observable<T> {
  return new Observable((subscriber) => {
    const stop = new OwnStop(options)
    const deliver = async (): Promise<void> => {
      for await (const page of pages(stop.follow())) {
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
      stop.release()
      stop.stop()
    }
  })
}
