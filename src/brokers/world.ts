/** Owns everything that is registered in one context. */
import type { BrokerContext } from './context.js'
import type { EventChannel } from './event-channel.js'
import type { MultiChannel } from './multi-channel.js'
import type { Provider } from './provider.js'
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
