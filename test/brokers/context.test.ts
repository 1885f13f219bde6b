import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { BrokerContext, BrokerHub, defineEvent, defineRequest, EventBroker, RequestBroker } from 'persistency'
import { gate, nextTurn } from '../support/brokers-async.js'
import { runChild } from '../support/brokers-child.js'

const Note = defineEvent<string>('context.note')
const WhoAmI = defineRequest<void, string>('context.whoAmI')

describe('identity', () => {
  it('gives every new context an id of its own', () => {
    const ids = Array.from({ length: 1000 }, () => BrokerContext.create().id)
    expect(new Set([...ids, BrokerContext.default.id]).size).toBe(1001)
  })

  it('compares by id, not by object or label', () => {
    const context = BrokerContext.create('tenant')
    const twin = BrokerContext.from({ id: context.id, label: 'somebody else' })
    expect(twin).not.toBe(context)
    expect(twin.equals(context)).toBe(true)
    expect(context.equals(twin)).toBe(true)
    expect(context.equals(BrokerContext.create('tenant'))).toBe(false)
  })

  it('reaches the same listeners through an equal context', () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create('tenant')
    const seen: string[] = []
    new EventBroker(hub, context).listen(Note, (text) => seen.push(text))
    new EventBroker(hub, BrokerContext.from(structuredClone(context.toJSON()))).emit(Note, 'hello')
    expect(seen).toEqual(['hello'])
  })

  it('takes any id that was never registered', async () => {
    const hub = new BrokerHub()
    const seen: string[] = []
    for (const id of ['11111111', '__proto__', 'constructor', '']) {
      const requests = new RequestBroker(hub, BrokerContext.from({ id, label: id }))
      requests.provide(WhoAmI, () => `provider of ${id}`)._unsafeUnwrap()
    }
    for (const id of ['11111111', '__proto__', 'constructor', '']) {
      const requests = new RequestBroker(hub, BrokerContext.from({ id, label: id }))
      seen.push((await requests.request(WhoAmI))._unsafeUnwrap())
    }
    expect(seen).toEqual([
      'provider of 11111111',
      'provider of __proto__',
      'provider of constructor',
      'provider of '
    ])
  })

  it('turns the data of the default context into the default context itself', () => {
    for (const id of ['lone \ud800', undefined, 5]) {
      expect(() => BrokerContext.from({ id: id as string, label: 'a' })).toThrow(TypeError)
    }
    expect(BrokerContext.from(BrokerContext.default.toJSON())).toBe(BrokerContext.default)
  })

  it('is called by its label and by the first digits of its id without one', () => {
    const named = BrokerContext.create('tenant')
    expect(named.label).toBe('tenant')
    expect(named.toString()).toBe(`tenant (${named.id})`)
    expect(inspect(named)).toBe(`BrokerContext tenant (${named.id})`)
    const anonymous = BrokerContext.create()
    expect(anonymous.label).toBe(`context-${anonymous.id.slice(0, 8)}`)
    expect(String(BrokerContext.default)).toBe('default')
  })

  it('is the same context on another thread', async () => {
    const { code, lines } = await runChild(`
      import { Worker } from 'node:worker_threads'
      import { BrokerContext } from 'persistency'
      const context = BrokerContext.create('tenant')
      const program = () => Promise.all([import('node:worker_threads'), import('persistency')]).then(
        ([{ parentPort, workerData }, { BrokerContext }]) => {
          const same = BrokerContext.from(workerData)
          parentPort.postMessage([same.id, same.label, BrokerContext.default.id, BrokerContext.current.id])
        })
      const worker = new Worker('(' + program + ')()', { eval: true, workerData: context.toJSON() })
      worker.once('message', (there) => print(there[0] === context.id && there[1] === 'tenant' &&
        there[2] === BrokerContext.default.id && there[3] === BrokerContext.default.id))
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [true] })
  })
})

describe('children', () => {
  it('remember their parent and their root', () => {
    const parent = BrokerContext.create('parent')
    const child = parent.child('child')
    const grandchild = child.child()
    expect(child.parent).toBe(parent)
    expect(grandchild.root).toBe(parent)
    expect(parent.root).toBe(parent)
    expect(parent.parent).toBeUndefined()
  })

  it('find their root, however deep they are', () => {
    const root = BrokerContext.create()
    let deepest = root
    for (let depth = 0; depth < 20_000; depth++) deepest = deepest.child()
    expect(deepest.root).toBe(root)
  })

  it('have ids of their own and are isolated from their parent and from each other', () => {
    const events = new EventBroker(new BrokerHub())
    const parent = BrokerContext.create('parent')
    const children = [parent.child('a'), parent.child('b')] as const
    const seen: string[] = []
    for (const context of [parent, ...children]) {
      events.in(context).listen(Note, (text) => seen.push(`${context.label}: ${text}`))
    }
    events.in(children[0]).emit(Note, 'hello')
    expect(seen).toEqual(['a: hello'])
    expect(new Set([parent.id, children[0].id, children[1].id]).size).toBe(3)
  })
})

describe('the current context', () => {
  it('is the default one outside of any run', () => {
    expect(BrokerContext.current).toBe(BrokerContext.default)
  })

  it('is the one of the run around it, and the run returns what its body returns', () => {
    const context = BrokerContext.create()
    expect(context.run(() => BrokerContext.current)).toBe(context)
    expect(BrokerContext.current).toBe(BrokerContext.default)
  })

  it('is that of the innermost run, also when a context is run within itself', () => {
    const outer = BrokerContext.create('outer')
    const inner = BrokerContext.create('inner')
    const seen: BrokerContext[] = []
    outer.run(() => {
      inner.run(() => {
        outer.run(() => seen.push(BrokerContext.current))
        seen.push(BrokerContext.current)
      })
      outer.run(() => seen.push(BrokerContext.current))
      seen.push(BrokerContext.current)
    })
    expect(seen.map((context) => context.label)).toEqual(['outer', 'inner', 'outer', 'outer'])
  })

  it('is put back when a body throws', () => {
    const outer = BrokerContext.create('outer')
    const seen = outer.run(() => {
      expect(() =>
        BrokerContext.create().run(() => {
          throw new Error('body')
        })
      ).toThrow('body')
      return BrokerContext.current
    })
    expect(seen).toBe(outer)
    expect(BrokerContext.current).toBe(BrokerContext.default)
  })

  it('is put back when a body rejects', async () => {
    const rejected = BrokerContext.create().run(async () => {
      await nextTurn()
      throw new Error('body')
    })
    await expect(rejected).rejects.toThrow('body')
    expect(BrokerContext.current).toBe(BrokerContext.default)
  })

  it('lasts across awaits, ticks and timers of its body', async () => {
    const context = BrokerContext.create()
    const seen = await context.run(async () => {
      await nextTurn()
      const afterAwait = BrokerContext.current
      const inTick = await new Promise((resolve) => process.nextTick(() => resolve(BrokerContext.current)))
      const inTimer = await new Promise((resolve) => setTimeout(() => resolve(BrokerContext.current), 1))
      return [afterAwait, inTick, inTimer]
    })
    expect(seen).toEqual([context, context, context])
    expect(BrokerContext.current).toBe(BrokerContext.default)
  })

  it('does not leak between runs that overlap', async () => {
    const both = gate()
    const visit = (context: BrokerContext): Promise<boolean[]> =>
      context.run(async () => {
        const before = BrokerContext.current === context
        await both.opened
        return [before, BrokerContext.current === context]
      })
    const visits = [visit(BrokerContext.create()), visit(BrokerContext.create())]
    both.open()
    expect(await Promise.all(visits)).toEqual([
      [true, true],
      [true, true]
    ])
  })

  it('is followed at every call by brokers without a context of their own', async () => {
    const hub = new BrokerHub()
    const events = new EventBroker(hub)
    const requests = new RequestBroker(hub)
    const context = BrokerContext.create('tenant')
    const seen: string[] = []
    events.listen(Note, (text) => seen.push(`default: ${text}`))
    context.run(() => {
      events.listen(Note, (text) => seen.push(`tenant: ${text}`))
      requests.provide(WhoAmI, () => 'tenant')._unsafeUnwrap()
      events.emit(Note, 'inside')
    })
    events.emit(Note, 'outside')
    expect(seen).toEqual(['tenant: inside', 'default: outside'])
    expect((await context.run(() => requests.request(WhoAmI)))._unsafeUnwrap()).toBe('tenant')
    expect((await requests.request(WhoAmI))._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
  })

  it('does not move brokers that have a context of their own', () => {
    const hub = new BrokerHub()
    const own = BrokerContext.create('own')
    const current = BrokerContext.create('current')
    current.run(() => {
      expect(new EventBroker(hub, own).context).toBe(own)
      expect(new RequestBroker(hub).in(own).context).toBe(own)
      expect(new EventBroker(hub).context).toBe(current)
      expect(new EventBroker(hub).in(BrokerContext.default).context).toBe(BrokerContext.default)
    })
  })

  it('is not that of another call when the limits of calls in two contexts pass at the same time', async () => {
    const requests = new RequestBroker(new BrokerHub())
    const Slow = defineRequest<void, void>('context.slow', { timeoutMs: 20 })
    const first = BrokerContext.create('first')
    const second = BrokerContext.create('second')
    const seen: string[] = []
    const call = (context: BrokerContext) =>
      context.run(() => {
        requests.provide(Slow, (_, { signal }) => {
          signal.addEventListener('abort', () => seen.push(BrokerContext.current.label))
          return new Promise(() => {})
        })
        return requests.request(Slow)
      })
    await Promise.all([call(first), call(second)])
    expect(seen).toEqual(['first', 'second'])
  })
})

describe('lifetime', () => {
  // More than there are numbers of two bytes.
  const CONTEXTS = 70_000

  it('never runs out of contexts and keeps nothing of those that are out of use', async () => {
    const hub = new BrokerHub()
    const events = new EventBroker(hub)
    const requests = new RequestBroker(hub)
    let delivered = 0
    let highest = 0
    for (let made = 0; made < CONTEXTS; made++) {
      const context = BrokerContext.create()
      const listener = events.in(context).listen(Note, () => {
        delivered++
      })
      const provider = requests
        .in(context)
        .provide(WhoAmI, () => 'me')
        ._unsafeUnwrap()
      events.in(context).emit(Note, 'hello')
      highest = Math.max(highest, hub.contextCount)
      provider.remove()
      void listener.drop()
    }
    expect({ delivered, highest, left: hub.contextCount }).toEqual({
      delivered: CONTEXTS,
      highest: 1,
      left: 0
    })
  })
})
