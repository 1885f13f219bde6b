/**
 * Owns the decorators that mark methods of a class as listeners, providers and handlers. They only take notes, and throw
 * a TypeError over a static or a #private method, and over what is no message of their kind.
 */
import type { RequestProvider } from '../brokers/adapt-provider.js'
import { checkDefinition } from '../brokers/check-definition.js'
import type {
  EventDefinition,
  MultiRequestDefinition,
  RequestDefinition,
  SignalDefinition
} from '../brokers/definitions.js'
import type { ListenerScope } from '../brokers/listener.js'
import type { ProviderOf } from '../brokers/request-broker.js'
import type { SignalHandler } from '../brokers/signal-queue.js'
import { sharedByCopies } from '../runtime/shared-by-copies.js'

type AnyDefinition =
  | EventDefinition<unknown>
  | RequestDefinition<unknown, unknown, unknown>
  | MultiRequestDefinition<unknown, unknown, unknown>
  | SignalDefinition<unknown>

/** A note about one method. */
export interface Mark {
  readonly definition: AnyDefinition
  readonly method: string | symbol
}

/**
 * A decorator for methods of this shape, in the standard form and in the older one that tsyringe uses. That one is the
 * last, because the compiler explains a method of another shape by the last form.
 */
export interface MethodMark<Shape> {
  <Method extends Shape>(method: Method, context: ClassMethodDecoratorContext): void
  <Method extends Shape>(
    prototype: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>
  ): void
}

/** By prototype for the older form, by instance for the standard one. */
const MARKS = sharedByCopies(Symbol.for('persistency.marks/1'), () => new WeakMap<object, Mark[]>())

/** The method listens to an event. */
export function listens<Payload>(
  event: EventDefinition<Payload>
): MethodMark<(payload: Payload, scope: ListenerScope) => unknown> {
  checkDefinition(event, 'event', 'what @listens names')
  return mark(event)
}

/** The method provides a request; that of a synchronous one answers at once. */
export function provides<Payload, Response, Failure, Sync extends boolean>(
  request: RequestDefinition<Payload, Response, Failure> & { readonly sync: Sync }
): MethodMark<ProviderOf<Payload, Response, Failure, Sync>> {
  checkDefinition(request, 'request', 'what @provides names')
  return mark(request)
}

/** The method is one of the providers of a multi-request. */
export function answers<Payload, Response, Failure>(
  request: MultiRequestDefinition<Payload, Response, Failure>
): MethodMark<RequestProvider<Payload, Response, Failure>> {
  checkDefinition(request, 'multiRequest', 'what @answers names')
  return mark(request)
}

/** The method handles a signal. */
export function handles<Payload>(signal: SignalDefinition<Payload>): MethodMark<SignalHandler<Payload>> {
  checkDefinition(signal, 'signal', 'what @handles names')
  return mark(signal)
}

/** The notes on an object: those of its class and the classes it extends, base classes first. */
export function marksOf(instance: object): readonly Mark[] {
  const marks: Mark[] = []
  for (let at: object | null = instance; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    // A method that overrides another and is marked again is still one method.
    const inherited = (MARKS.get(at) ?? []).filter((mark) => !marks.some((other) => isSame(mark, other)))
    marks.unshift(...inherited)
  }
  return marks
}

function mark(
  definition: AnyDefinition
): (target: unknown, context: string | symbol | ClassMethodDecoratorContext) => void {
  return (target, context) => {
    if (typeof context !== 'object') {
      if (typeof target === 'function') throw outOfReach(context)
      note(target as object, { definition, method: context })
    } else {
      const { name, addInitializer } = context
      if (context.static || context.private) throw outOfReach(name)
      addInitializer.call(context, function (this: unknown) {
        note(this as object, { definition, method: name })
      })
    }
  }
}

/** Methods are called by their name on an object, where these are not found. */
function outOfReach(method: string | symbol): TypeError {
  return new TypeError(`a static or #private method cannot be marked: ${String(method)}`)
}

function isSame(a: Mark, b: Mark): boolean {
  const sameMessage = a.definition.kind === b.definition.kind && a.definition.name === b.definition.name
  return sameMessage && a.method === b.method
}

/** In the standard form an instance is noted for a method and for the one that it overrides: one note is enough. */
function note(owner: object, mark: Mark): void {
  const marks = MARKS.get(owner) ?? []
  if (!marks.some((other) => isSame(mark, other))) MARKS.set(owner, [...marks, mark])
}
