/** Owns an abort signal whose listeners run in the async context of whoever asked for it, not of what makes it fire. */
import { AsyncResource } from 'node:async_hooks'
import type { CancelSignal } from '../runtime/platform.js'

export class ScopedAbort {
  readonly #controller = new AbortController()
  readonly #scope = new AsyncResource('PersistencyCall')

  get signal(): CancelSignal {
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#scope.runInAsyncScope(() => this.#controller.abort(reason))
  }
}
