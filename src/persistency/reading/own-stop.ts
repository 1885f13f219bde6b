/** Owns stopping one reader by itself, or by the signal of its caller, which may stop many. */
import type { CancelSignal } from '../../runtime/platform.js'
import { onAbort } from '../on-abort.js'
import { abortSignal } from '../option-checks.js'

export class OwnStop {
  readonly #controller = new AbortController()
  readonly #caller: CancelSignal | undefined
  #leave = (): void => {}

  /** @param options of the caller, which have not been checked: what is no signal in there is left to who checks them */
  constructor(options: { readonly signal?: CancelSignal | undefined } | undefined) {
    this.#caller = signalIn(options)
  }

  /** Fires with that of the caller from now on, until `release`. */
  follow(): CancelSignal {
    this.#leave = onAbort(this.#caller, () => this.#controller.abort(this.#caller?.reason))
    return this.#controller.signal
  }

  stop(): void {
    this.#controller.abort()
  }

  release(): void {
    this.#leave()
  }
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
