/** Owns values that nobody in their right mind passes, and that a library must survive. */
import type { Random } from './random.js'

const CLASSES = [Date, Map, Set, WeakMap, Promise, ArrayBuffer, SharedArrayBuffer, DataView, Error, Proxy]

/** Any value of any type, nested to a depth. */
export function hostileValue(random: Random, depth = 2): unknown {
  const simple: readonly (() => unknown)[] = [
    () => undefined,
    () => null,
    () =>
      random.pick([0, -0, 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53), 2 ** 64]),
    () => random.pick([0n, -1n, 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 10n ** 400n]),
    () => random.pick(['', 'a', '\0', '\ud800', 'é', '__proto__', 'constructor', 'x'.repeat(70_000), '😀']),
    () => random.chance(0.5),
    () => Symbol('on purpose'),
    () => () => 1,
    () => random.pick(CLASSES),
    () => new Date(Number.NaN),
    () => random.bytes(random.integer(0, 9)),
    () =>
      random.pick([
        new Uint16Array(3),
        new Float64Array(1),
        new DataView(new ArrayBuffer(3)),
        new ArrayBuffer(2)
      ]),
    () => /x/,
    () => new Map([[1, 2]]),
    () => Promise.resolve(1),
    revokedProxy,
    () => throwingObject(random),
    () => new Proxy({}, throwingTraps()),
    circle
  ]
  if (depth === 0 || random.chance(0.6)) return random.pick(simple)()
  const parts = Array.from({ length: random.integer(0, 3) }, () => hostileValue(random, depth - 1))
  if (random.chance(0.5)) return parts
  const object: object = random.chance(0.5) ? {} : Object.create(null)
  const names = [
    'kind',
    'category',
    'key',
    'payload',
    'prefix',
    'bytes',
    'length',
    '__proto__',
    'then',
    'toJSON'
  ]
  for (const part of parts) {
    Object.defineProperty(object, random.pick(names), { value: part, enumerable: true, configurable: true })
  }
  return object
}

function throwingObject(random: Random): object {
  return Object.defineProperty(
    {},
    random.pick(['kind', 'key', 'bytes', 'length', 'then', 'constructor', 'a']),
    {
      enumerable: true,
      get() {
        throw new Error('on purpose')
      }
    }
  )
}

function throwingTraps(): ProxyHandler<object> {
  const trap = (): never => {
    throw new Error('on purpose')
  }
  return { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap }
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function circle(): object {
  const one: Record<string, unknown> = {}
  one['self'] = [one]
  return one
}
