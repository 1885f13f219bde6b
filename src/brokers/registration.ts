/** Owns the handle of a provider. */
import type { BrokerContext } from './context.js'
import type { RequestDefinition } from './definitions.js'
import type { Provider, ProviderHandle } from './provider.js'

type Request = RequestDefinition<unknown, unknown, unknown>

/** Where providers are registered. */
export interface Registry {
  provider(context: BrokerContext, request: Request): Provider | undefined
  withdraw(context: BrokerContext, request: Request): void
}

/**
 * The handle of a provider. It looks its provider up each time, which may be put back after all that was registered in the
 * context had been removed. A class, not a literal with closures and a getter, which costs half a kilobyte: a thousand
 * open jobs hold fifty thousand of them.
 */
export class Registration implements ProviderHandle {
  readonly #registry: Registry
  readonly #context: BrokerContext
  readonly #request: Request
  readonly #provider: Provider

  constructor(registry: Registry, context: BrokerContext, request: Request, provider: Provider) {
    this.#registry = registry
    this.#context = context
    this.#request = request
    this.#provider = provider
  }

  get active(): boolean {
    return this.#registry.provider(this.#context, this.#request) === this.#provider
  }

  remove(): void {
    this.#provider.removed = true
    if (this.active) this.#registry.withdraw(this.#context, this.#request)
  }

  [Symbol.dispose](): void {
    this.remove()
  }
}
