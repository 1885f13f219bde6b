/** Owns connecting the marked methods of an object with the brokers of a container, and disconnecting them. */
import { err, ok, type Result } from 'neverthrow'
import type { DependencyContainer } from 'tsyringe'
import type { BrokerError } from '../brokers/errors.js'
import { EventBroker } from '../brokers/event-broker.js'
import { MultiRequestBroker } from '../brokers/multi-request-broker.js'
import type { ProviderHandle } from '../brokers/provider.js'
import { RequestBroker } from '../brokers/request-broker.js'
import { SignalBroker } from '../brokers/signal-broker.js'
import { type Mark, marksOf } from './decorators.js'
import { InFlight } from './in-flight.js'
import { lifetimeOf } from './lifetime.js'

/** The connected methods of one object. */
export interface Binding {
  /**
   * Disconnects all of them; resolves when none of them is in flight, or after 5 seconds. A provider that is answering goes
   * on, and its caller gets the answer. Repeating it is harmless.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

type Undo = () => unknown
type Method = (...args: unknown[]) => unknown

/**
 * Connects every marked method of an object, in the context of the container, until the binding is closed or the
 * container disposed. Nothing stays connected when a place is taken.
 *
 * Errors: `alreadyProvided`, `alreadyHandled`.
 * @throws TypeError when the object's class has no marked method, and for the class itself; Error when the container has no
 *   brokers
 */
export function bindHandlers(container: DependencyContainer, instance: object): Result<Binding, BrokerError> {
  const marks = marksOf(instance)
  if (marks.length === 0) throw nothingMarked(instance)
  const undo: Undo[] = []
  const undoAll = (): void => {
    for (const step of undo) void step()
  }
  try {
    for (const mark of marks) {
      const connected = connect(container, instance, mark)
      if (connected.isErr()) {
        undoAll()
        return err(connected.error)
      }
      undo.push(connected.value)
    }
  } catch (thrown) {
    undoAll()
    throw thrown
  }
  const lifetime = lifetimeOf(container)
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    lifetime.forget(close)
    closed ??= Promise.all(undo.map((step) => step())).then(() => undefined)
    return closed
  }
  lifetime.add(close)
  return ok({ close, [Symbol.asyncDispose]: close })
}

/** Of a class, it would say that `Function` has none. */
function nothingMarked(given: object): TypeError {
  if (typeof given === 'function') {
    const name = given.name === '' ? 'TheClass' : given.name
    return new TypeError(
      `bindHandlers takes an instance; got the class ${name}: write bindHandlers(container, container.resolve(${name}))`
    )
  }
  const name = given.constructor?.name ?? 'the object'
  return new TypeError(`${name} has no method marked with @listens, @provides, @answers or @handles`)
}

function connect(
  container: DependencyContainer,
  instance: object,
  { definition, method }: Mark
): Result<Undo, BrokerError> {
  const call: Method = (...args) => (instance as Record<string | symbol, Method>)[method]?.(...args)
  switch (definition.kind) {
    case 'event': {
      const handle = container.resolve(EventBroker).listen(definition, call)
      return ok(() => handle.drop())
    }
    case 'request':
      return provided((provider) => container.resolve(RequestBroker).provide(definition, provider), call)
    case 'multiRequest':
      return provided((provider) => container.resolve(MultiRequestBroker).provide(definition, provider), call)
    case 'signal':
      return container
        .resolve(SignalBroker)
        .on(definition, call)
        .map((handle) => () => handle.drop())
    default:
      return definition satisfies never
  }
}

/** Provides with a method; the undo waits for the calls of it that are in flight. */
function provided(
  provide: (provider: Method) => Result<ProviderHandle, BrokerError>,
  method: Method
): Result<Undo, BrokerError> {
  const calls = new InFlight()
  return provide((...args) => calls.watched(method(...args))).map((handle) => () => {
    handle.remove()
    return calls.over()
  })
}
