/** Owns the providers of one multi-request in one context, in the order they were added. */
import type { Provider, ProviderHandle } from './provider.js'

/** One provider among several. */
export interface MultiProvider extends Provider {
  /** Calls with the same origin skip it: a link does not ask the side that asks. */
  readonly origin: unknown
  /** Whether it stands for any number of providers on another thread: its answer is a list of outcomes. */
  readonly spread: boolean
}

export class MultiChannel {
  readonly #onEmpty: () => void
  /** By their functions, those without one by themselves; in the order they were added. */
  readonly #registered = new Map<unknown, MultiRegistration>()
  /** Replaced, never changed in place: a call under way keeps the providers it started with. Absent after a change. */
  #providers: readonly MultiProvider[] | undefined

  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get providers(): readonly MultiProvider[] {
    this.#providers ??= Array.from(this.#registered.values(), ({ provider }) => provider)
    return this.#providers
  }

  /** Adds a provider, or returns the handle of the one that has the same function. */
  add(provider: MultiProvider): ProviderHandle {
    const twin = this.#registered.get(keyOf(provider))
    if (twin !== undefined) return twin
    const registration = new MultiRegistration(this, provider)
    this.#registered.set(keyOf(provider), registration)
    this.#providers = undefined
    return registration
  }

  clear(): void {
    this.#registered.clear()
    this.#providers = undefined
    this.#onEmpty()
  }

  has(registration: MultiRegistration): boolean {
    return this.#registered.get(keyOf(registration.provider)) === registration
  }

  /** Removes a provider; no effect when it is not there. */
  remove(registration: MultiRegistration): void {
    if (!this.has(registration)) return
    this.#registered.delete(keyOf(registration.provider))
    this.#providers = undefined
    if (this.#registered.size === 0) this.#onEmpty()
  }
}

function keyOf(provider: MultiProvider): unknown {
  return provider.source ?? provider
}

class MultiRegistration implements ProviderHandle {
  readonly #channel: MultiChannel
  readonly provider: MultiProvider

  constructor(channel: MultiChannel, provider: MultiProvider) {
    this.#channel = channel
    this.provider = provider
  }

  get active(): boolean {
    return this.#channel.has(this)
  }

  remove(): void {
    this.#channel.remove(this)
  }

  [Symbol.dispose](): void {
    this.remove()
  }
}
