/** Owns everything that is registered in one context. */
import type { BrokerContext } from './context.js'
import type { EventChannel } from './event-channel.js'
import type { MultiChannel } from './multi-channel.js'
import type { Provider, ProviderHandle } from './provider.js'
import type { SignalTarget } from './signal-queue.js'

export class World {
  readonly context: BrokerContext
  /** Each by the name of the message. */
  readonly channels = new Map<string, EventChannel>()
  readonly providers = new Map<string, Provider>()
  readonly multiChannels = new Map<string, MultiChannel>()
  readonly signals = new Map<string, SignalTarget>()

  readonly #onEmpty: (world: World) => void

  /** @param onEmpty called when the last registration was removed */
  constructor(context: BrokerContext, onEmpty: (world: World) => void) {
    this.context = context
    this.#onEmpty = onEmpty
  }

  /** Removes the provider of a request, if there is one. */
  withdraw(request: string): void {
    if (this.providers.delete(request)) this.tidy()
  }

  /** To be called when something was removed. */
  tidy(): void {
    if (this.empty) this.#onEmpty(this)
  }

  get empty(): boolean {
    return this.channels.size + this.providers.size + this.multiChannels.size + this.signals.size === 0
  }
}

/**
 * The handle of a provider. A class, not a literal with closures and a getter, which costs half a kilobyte: a thousand
 * open jobs hold fifty thousand of them.
 */
export class Registration implements ProviderHandle {
  readonly #world: World
  readonly #request: string
  readonly #provider: Provider

  constructor(world: World, request: string, provider: Provider) {
    this.#world = world
    this.#request = request
    this.#provider = provider
  }

  get active(): boolean {
    return this.#world.providers.get(this.#request) === this.#provider
  }

  remove(): void {
    this.#provider.removed = true
    if (this.active) this.#world.withdraw(this.#request)
  }

  [Symbol.dispose](): void {
    this.remove()
  }
}
