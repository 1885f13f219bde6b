/** Owns the signal broker: one way, to one handler, in a bounded queue. */
import { err, ok, type Result } from 'neverthrow'
import { textOf } from '../runtime/message-of.js'
import type { PayloadArgs } from './arguments.js'
import { checkDefinition } from './check-definition.js'
import { checkContext, contextOf, hubOf } from './check-place.js'
import { BrokerContext } from './context.js'
import type { SignalDefinition } from './definitions.js'
import { alreadyHandled, BrokerError } from './errors.js'
import type { BrokerHub } from './hub.js'
import { Replacements } from './replacements.js'
import { type SignalHandler, SignalQueue, type SignalTarget } from './signal-queue.js'

const replacements = new Replacements<SignalTarget>()

/** A registration made with `on` or `replace`. */
export interface HandlerHandle {
  /** Whether this registration is in force. */
  readonly active: boolean
  /**
   * Removes the handler: signals are refused from now on. Resolves when those accepted before have been handled, at
   * the latest after five seconds. A handler removes itself with {@link HandlerScope.drop}. Repeating it is harmless,
   * and does not touch a handler that has replaced this one.
   */
  drop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Sends signals to the one handler of a context. `ok` means accepted: the handler will get it, one at a time and in
 * order, in a later microtask. The signaller never learns how the handling went; failures of a handler are reported
 * like those of listeners. Without a context the broker follows {@link BrokerContext.current} at every call.
 */
export class SignalBroker {
  readonly #hub: BrokerHub
  readonly #context: BrokerContext | undefined

  /** @throws TypeError for what is no hub, or no context */
  constructor(hub?: BrokerHub, context?: BrokerContext) {
    this.#hub = hubOf(hub)
    this.#context = contextOf(context)
  }

  /** The context that this broker speaks in. */
  get context(): BrokerContext {
    return this.#context ?? BrokerContext.current
  }

  /**
   * The same broker in another context.
   *
   * @throws TypeError for what is no context, `undefined` included
   */
  in(context: BrokerContext): SignalBroker {
    checkContext(context)
    return new SignalBroker(this.#hub, context)
  }

  /**
   * Installs the handler. A second one in the same context is refused with `alreadyHandled`, and the first stays.
   *
   * @throws TypeError when the signal is none, or the handler is no function
   */
  on<Payload>(
    signal: SignalDefinition<Payload>,
    handler: SignalHandler<Payload>
  ): Result<HandlerHandle, BrokerError> {
    checkDefinition(signal, 'signal')
    const context = this.context
    if (this.#hub.signalTarget(context, signal) !== undefined) {
      return err(alreadyHandled(signal.name, context))
    }
    return ok(this.#handle(context, signal, this.#install(context, signal, handler)))
  }

  /**
   * Installs a handler, in place of the present one if there is one; that still handles the signals accepted for it.
   *
   * @throws TypeError when the signal is none, or the handler is no function; the former one stays
   */
  replace<Payload>(signal: SignalDefinition<Payload>, handler: SignalHandler<Payload>): HandlerHandle {
    checkDefinition(signal, 'signal')
    const context = this.context
    const former = this.#hub.signalTarget(context, signal)
    const target = this.#install(context, signal, handler)
    void former?.close()
    return this.#handle(context, signal, target)
  }

  /**
   * Runs `body` with another handler in place, then puts the former one back (or none, if there was none), also when
   * the body throws or rejects. Meant for tests.
   */
  async withHandler<Payload, T>(
    signal: SignalDefinition<Payload>,
    handler: SignalHandler<Payload>,
    body: () => T | PromiseLike<T>
  ): Promise<T> {
    checkDefinition(signal, 'signal')
    const context = this.context
    const former = this.#hub.signalTarget(context, signal)
    const target = this.#install(context, signal, handler)
    try {
      return await body()
    } finally {
      const wanted = replacements.end(target, former)
      // A handler that took the place meanwhile keeps it, and one that was dropped meanwhile does not come back.
      const holder = this.#hub.signalTarget(context, signal)
      if (holder === target || holder === undefined) {
        this.#hub.setSignalTarget(context, signal, wanted?.closed ? undefined : wanted)
      }
      await target.close()
    }
  }

  /** Whether the signal has a handler in this context. */
  has<Payload>(signal: SignalDefinition<Payload>): boolean {
    checkDefinition(signal, 'signal')
    return this.#hub.signalTarget(this.context, signal)?.vacant === false
  }

  /** The function that handles the signal now; `undefined` when there is none, or when it is on another thread. */
  handler<Payload>(signal: SignalDefinition<Payload>): SignalHandler<Payload> | undefined {
    checkDefinition(signal, 'signal')
    return this.#hub.signalTarget(this.context, signal)?.source as SignalHandler<Payload> | undefined
  }

  /** Removes the handler of this context, even one installed elsewhere. Repeating it is harmless. */
  async drop<Payload>(signal: SignalDefinition<Payload>): Promise<void> {
    checkDefinition(signal, 'signal')
    const context = this.context
    const target = this.#hub.signalTarget(context, signal)
    if (target === undefined) return
    this.#hub.setSignalTarget(context, signal, undefined)
    await target.close()
  }

  /**
   * Sends a signal. Errors: `noHandler`; `queueFull` when the handler is too far behind; `notSendable` when it lives on
   * another thread and the payload cannot be cloned. Never throws, except for a TypeError when the signal is none.
   */
  signal<Payload>(
    signal: SignalDefinition<Payload>,
    ...args: PayloadArgs<NoInfer<Payload>>
  ): Result<void, BrokerError> {
    checkDefinition(signal, 'signal')
    const context = this.context
    const target = this.#hub.signalTarget(context, signal)
    if (target === undefined || target.vacant) {
      const message = `nobody handles signal "${signal.name}" in context ${context.toString()}`
      return err(new BrokerError('noHandler', message))
    }
    try {
      if (target.accept(args[0])) return ok(undefined)
    } catch (notSendable) {
      return err(notSendable as BrokerError)
    }
    const message = `signal "${signal.name}" was not accepted: its queue of ${signal.queueDepth} is full in context ${context.toString()}`
    return err(new BrokerError('queueFull', message))
  }

  #install<Payload>(
    context: BrokerContext,
    signal: SignalDefinition<Payload>,
    handler: SignalHandler<Payload>
  ): SignalTarget {
    if (typeof handler !== 'function') {
      throw new TypeError(`a handler of "${signal.name}" must be a function; got ${textOf(handler)}`)
    }
    const target = new SignalQueue(handler as SignalHandler<unknown>, signal.queueDepth, {
      remove: (current) => this.#remove(context, signal, current),
      report: (error) => this.#hub.report({ context, event: signal.name, listenerId: 0, error }, false)
    })
    this.#hub.setSignalTarget(context, signal, target)
    return target
  }

  #remove<Payload>(context: BrokerContext, signal: SignalDefinition<Payload>, target: SignalTarget): void {
    if (this.#hub.signalTarget(context, signal) === target) {
      this.#hub.setSignalTarget(context, signal, undefined)
    }
  }

  #handle<Payload>(
    context: BrokerContext,
    signal: SignalDefinition<Payload>,
    target: SignalTarget
  ): HandlerHandle {
    const isActive = (): boolean => this.#hub.signalTarget(context, signal) === target
    const drop = async (): Promise<void> => {
      this.#remove(context, signal, target)
      await target.close()
    }
    return {
      get active() {
        return isActive()
      },
      drop,
      [Symbol.asyncDispose]: drop
    }
  }
}
