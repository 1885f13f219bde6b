/** Owns the identity of an isolated world of brokers. Knows nothing of what is registered in it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { textOf } from '../runtime/message-of.js'
import { sharedByCopies } from '../runtime/shared-by-copies.js'

const ambient = sharedByCopies(
  Symbol.for('persistency.ambientContext/1'),
  () => new AsyncLocalStorage<BrokerContext>()
)

/** What identifies a context on another thread: plain data, safe to clone. */
export interface BrokerContextData {
  readonly id: string
  readonly label: string
}

/**
 * Opaque identity of one isolated world: the same message definition in two contexts is two separate channels.
 *
 * Contexts compare by `id`. Ids are random, so they are unique over all threads and never run out or come back.
 * The label is for people only.
 */
export class BrokerContext {
  /** The context of brokers for which none is named. The same one on every thread. */
  static readonly default: BrokerContext = new BrokerContext('default', 'default', undefined)

  readonly id: string
  readonly label: string
  /** The context this one was derived from with {@link BrokerContext.child}. The two are isolated from each other. */
  readonly parent: BrokerContext | undefined

  private constructor(id: string, label: string, parent: BrokerContext | undefined) {
    this.id = id
    this.label = label
    this.parent = parent
  }

  /** Makes a new context. Without a label it is called after the first digits of its id. */
  static create(label?: string): BrokerContext {
    return BrokerContext.#fresh(label, undefined)
  }

  /**
   * The same context as the one whose `toJSON()` returned `data`, for instance on another thread.
   *
   * @throws TypeError when the id is no well-formed text, which would not arrive there as it is
   */
  static from(data: BrokerContextData): BrokerContext {
    const { id } = data
    if (typeof id !== 'string' || !id.isWellFormed()) {
      throw new TypeError(`the id of a context must be well-formed text; got ${textOf(id)}`)
    }
    if (id === BrokerContext.default.id) return BrokerContext.default
    return new BrokerContext(id, data.label, undefined)
  }

  /**
   * The context in force here: the one of the innermost {@link BrokerContext.run} around this call, across awaits,
   * and {@link BrokerContext.default} outside of any. Brokers made without a context follow it at every call.
   */
  static get current(): BrokerContext {
    return ambient.getStore() ?? BrokerContext.default
  }

  /** A new context, as isolated as any other, with this one as its `parent`; for a part of a larger unit. */
  child(label?: string): BrokerContext {
    return BrokerContext.#fresh(label, this)
  }

  /** The outermost ancestor; the context itself when it was not derived from another. */
  get root(): BrokerContext {
    let root: BrokerContext = this
    while (root.parent !== undefined) root = root.parent
    return root
  }

  /**
   * Makes this the current context while `body` runs, including everything it awaits; returns what `body` returns.
   * Calls nest, and concurrent ones do not see each other.
   */
  run<T>(body: () => T): T {
    return ambient.run(this, body)
  }

  equals(other: BrokerContext): boolean {
    return this.id === other.id
  }

  toString(): string {
    return this.label === this.id ? this.id : `${this.label} (${this.id})`
  }

  toJSON(): BrokerContextData {
    return { id: this.id, label: this.label }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `BrokerContext ${this.toString()}`
  }

  static #fresh(label: string | undefined, parent: BrokerContext | undefined): BrokerContext {
    const id = randomUUID()
    return new BrokerContext(id, label ?? `context-${id.slice(0, 8)}`, parent)
  }
}

/** Whether a value is a context, also one of another copy of this package. */
export function isContext(value: unknown): value is BrokerContext {
  if (value instanceof BrokerContext) return true
  const { id, label, toJSON } = (value ?? {}) as Partial<BrokerContext>
  return typeof id === 'string' && typeof label === 'string' && typeof toJSON === 'function'
}
