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
  readonly #handles = new Map<MultiProvider, ProviderHandle>()
  /** Replaced, never changed in place: a call under way keeps the providers it started with. */
  #providers: readonly MultiProvider[] = []

  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get providers(): readonly MultiProvider[] {
    return this.#providers
  }

  /** Adds a provider, or returns the handle of the one that has the same function. */
  add(provider: MultiProvider): ProviderHandle {
    const twin = this.#providers.find(({ source }) => source !== undefined && source === provider.source)
    if (twin !== undefined) return this.#handles.get(twin) as ProviderHandle
    this.#providers = [...this.#providers, provider]
    const handle = new MultiRegistration(this, provider)
    this.#handles.set(provider, handle)
    return handle
  }

  clear(): void {
    this.#providers = []
    this.#handles.clear()
    this.#onEmpty()
  }

  has(provider: MultiProvider): boolean {
    return this.#handles.has(provider)
  }

  /** Removes a provider; no effect when it is not there. */
  remove(provider: MultiProvider): void {
    if (!this.#handles.delete(provider)) return
    this.#providers = this.#providers.filter((other) => other !== provider)
    if (this.#providers.length === 0) this.#onEmpty()
  }
}

class MultiRegistration implements ProviderHandle {
  readonly #channel: MultiChannel
  readonly #provider: MultiProvider

  constructor(channel: MultiChannel, provider: MultiProvider) {
    this.#channel = channel
    this.#provider = provider
  }

  get active(): boolean {
    return this.#channel.has(this.#provider)
  }

  remove(): void {
    this.#channel.remove(this.#provider)
  }

  [Symbol.dispose](): void {
    this.remove()
  }
}
