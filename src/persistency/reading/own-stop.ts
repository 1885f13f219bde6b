/** Owns stopping one reader by itself, or by the signal of its caller, which may stop many. */
import { allowManyListeners } from '../../runtime/many-listeners.js'
import type { CancelSignal } from '../../runtime/platform.js'
import { abortSignal } from '../option-checks.js'

export class OwnStop {
  readonly #controller = new AbortController()
  readonly #caller: CancelSignal | undefined

  /** @param options of the caller, which have not been checked: what is no signal in there is left to who checks them */
  constructor(options: { readonly signal?: CancelSignal | undefined } | undefined) {
    this.#caller = signalIn(options)
  }

  /** Fires with that of the caller from now on, until `release`. */
  follow(): CancelSignal {
    const caller = this.#caller
    if (caller?.aborted) this.#onAbort()
    else if (caller !== undefined) {
      allowManyListeners(caller)
      caller.addEventListener('abort', this.#onAbort)
    }
    return this.#controller.signal
  }

  stop(): void {
    this.#controller.abort()
  }

  release(): void {
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#caller?.reason)
}

function signalIn(
  options: { readonly signal?: CancelSignal | undefined } | undefined
): CancelSignal | undefined {
  try {
    const signal = options?.signal
    return abortSignal(signal) === undefined ? signal : undefined
  } catch {
    return undefined
  }
}
