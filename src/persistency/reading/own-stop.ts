/** Owns stopping one reader by itself, or by the signal of its caller, which may stop many. */
import { isCancelSignal, onAbort, reasonOf } from '../../runtime/cancel-signals.js'
import type { CancelSignal } from '../../runtime/platform.js'
import { PersistencyError } from '../errors.js'

export class OwnStop {
  readonly #controller = new AbortController()
  readonly #caller: CancelSignal | undefined
  #leave = (): void => {}
  /** Set once the caller has stopped the reading: what was fetched already is not handed out either. */
  aborted: PersistencyError | undefined

  /** @param options of the caller, which have not been checked: what is no signal in there is left to who checks them */
  constructor(options: { readonly signal?: CancelSignal | undefined } | undefined) {
    this.#caller = signalIn(options)
  }

  /** Fires with that of the caller from now on, until `release`. */
  follow(): CancelSignal {
    this.#leave = onAbort(this.#caller, () => {
      const cause = reasonOf(this.#caller)
      this.aborted = new PersistencyError('ERR_ABORTED', 'the reading was aborted by its caller', { cause })
      this.#controller.abort(cause)
    })
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
    return isCancelSignal(signal) ? signal : undefined
  } catch {
    return undefined
  }
}
