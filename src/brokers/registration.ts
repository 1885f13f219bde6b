/**
 * Owns the handle of what provides a request. A class, not a literal with closures and a getter, which costs half a
 * kilobyte: a thousand open jobs hold fifty thousand of them.
 */
import type { Provider, ProviderHandle } from './provider.js'
import type { World } from './world.js'

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
