import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { err, ok } from 'neverthrow'
import { type CodecValue, integer, string, struct } from 'persistency'
import {
  BrokerContext,
  type BrokerError,
  BrokerHub,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  EventBroker,
  MultiRequestBroker,
  RequestBroker,
  SignalBroker,
  type WireCodec
} from 'persistency/brokers'
import { Link, type LinkOptions } from 'persistency/threads'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const Ping = defineEvent<{ n: number }>('test.ping')
const Double = defineRequest<{ n: number }, number, { reason: string }>('test.double')
const Half = defineRequest<number, number>('test.half', { sync: true })
const Note = defineSignal<number>('test.note', { queueDepth: 2 })
/** Refuses to write negative numbers, and to read 255. */
const counted: WireCodec<number> = {
  write(writer, n) {
    if (n < 0) throw new RangeError('negative')
    writer.u8(n)
  },
  read: (reader) => reader.u8(),
  readRun(reader) {
    const numbers: number[] = []
    while (!reader.done) {
      reader.skip(4)
      const n = reader.u8()
      if (n === 255) throw new RangeError('255 is not for runs')
      numbers.push(n)
    }
    return numbers
  }
}
const Counted = defineEvent<number>('test.counted', { codec: counted })
/** Moves its bytes instead of copying them. Refuses empty ones, when it has attached them. */
const moved: WireCodec<Uint8Array> = {
  write(writer, bytes) {
    writer.attach(bytes)
    if (bytes.length === 0) throw new RangeError('empty')
  },
  read: (reader) => reader.attached()
}
const Moved = defineEvent<Uint8Array>('test.moved', { codec: moved })
const eager: LinkOptions = { maxFramesInFlight: 2, acknowledgeEvery: 1 }

/** Two hubs that are linked through a real pair of message ports, as two threads are. */
class Pair {
  readonly context = BrokerContext.create('linked')
  readonly hubs = [new BrokerHub(), new BrokerHub()] as const
  readonly ports: readonly [MessagePort, MessagePort]
  readonly links: readonly [Link, Link]
  readonly faults: unknown[] = []

  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.ports = [port1, port2]
    const options = { ...eager, onFault: (fault: unknown) => this.faults.push(fault) }
    this.links = [new Link(port1, this.hubs[0], options), new Link(port2, this.hubs[1], options)]
  }

  events(side: 0 | 1): EventBroker {
    return new EventBroker(this.hubs[side], this.context)
  }

  requests(side: 0 | 1): RequestBroker {
    return new RequestBroker(this.hubs[side], this.context)
  }

  signals(side: 0 | 1): SignalBroker {
    return new SignalBroker(this.hubs[side], this.context)
  }

  close(): void {
    for (const link of this.links) link.close('the test is over')
    for (const port of this.ports) port.close()
  }
}

let pair: Pair | undefined
afterEach(() => {
  pair?.close()
  pair = undefined
})

function linked(send: Parameters<Link['route']>[1]['send']): Pair {
  pair = new Pair()
  pair.links[0].route(pair.context, { send, receive: [] })
  pair.links[1].route(pair.context, { send: [], receive: send })
  return pair
}

/** Resolves with the payloads once `count` of them have arrived. */
function arrivals<T>(
  broker: EventBroker,
  event: ReturnType<typeof defineEvent<T>>,
  count: number
): Promise<T[]> {
  return new Promise((resolve) => {
    const seen: T[] = []
    broker.listen(event, (payload) => {
      seen.push(payload)
      if (seen.length === count) resolve(seen)
    })
  })
}

describe('a link', () => {
  it('moves what a codec attaches, in order with everything else', async () => {
    const { events } = bind(linked([Moved, Ping]))
    const order: string[] = []
    events(1).listen(Ping, ({ n }) => void order.push(`ping ${n}`))
    events(1).listen(Moved, (bytes) => void order.push(`${bytes.length} of ${bytes[0]}`))
    const payloads = [1, 100_000, 3, 0, 70_000].map((length, n) => new Uint8Array(length).fill(n))
    const arrived = arrivals(events(1), Ping, 5)
    for (const [n, payload] of payloads.entries()) {
      events(0).emit(Moved, payload)
      events(0).emit(Ping, { n })
    }
    await arrived
    expect(order).toEqual([
      ...['1 of 0', 'ping 0', '100000 of 1', 'ping 1', '3 of 2', 'ping 2'],
      // The fourth could not be sent, and nothing of it was.
      ...['ping 3', '70000 of 4', 'ping 4']
    ])
    expect(payloads.map(({ length }) => length)).toEqual([0, 0, 0, 0, 0])
    expect(pair?.faults).toEqual([])
  })

  it('delivers events in the order they were emitted', async () => {
    const { events } = bind(linked([Ping]))
    const arrived = arrivals(events(1), Ping, 1000)
    for (let n = 0; n < 1000; n++) events(0).emit(Ping, { n })
    expect((await arrived).map(({ n }) => n)).toEqual(Array.from({ length: 1000 }, (_, n) => n))
  })

  it('delivers events that span many frames', async () => {
    const { events } = bind(linked([Ping]))
    const arrived = arrivals(events(1), Ping, 50)
    for (let n = 0; n < 50; n++) {
      events(0).emit(Ping, { n })
      await Promise.resolve()
    }
    expect((await arrived).map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  it('does not send back what it brought', async () => {
    pair = new Pair()
    const routes = { send: [Ping], receive: [Ping] }
    for (const link of pair.links) link.route(pair.context, routes)
    const own: number[] = []
    pair.events(0).listen(Ping, ({ n }) => own.push(n))
    const there = arrivals(pair.events(1), Ping, 2)
    pair.events(0).emit(Ping, { n: 1 })
    pair.events(0).emit(Ping, { n: 2 })
    await there
    const back = arrivals(pair.events(0), Ping, 1)
    pair.events(1).emit(Ping, { n: 3 })
    await back
    expect(own).toEqual([1, 2, 3])
  })

  it('carries a request, its response and its typed error', async () => {
    const { requests } = bind(linked([Double]))
    requests(1).provide(Double, ({ n }) => (n < 0 ? err({ reason: 'negative' }) : ok(n * 2)))
    expect((await requests(0).request(Double, { n: 21 }))._unsafeUnwrap()).toBe(42)
    expect((await requests(0).request(Double, { n: -1 }))._unsafeUnwrapErr()).toEqual({ reason: 'negative' })
  })

  it('sends no synchronous request, whose answer could not be there at once', async () => {
    const { requests } = bind(linked([Half]))
    const asked: number[] = []
    requests(1).provide(Half, (n) => asked.push(n) && n / 2)
    expect(requests(0).requestSync(Half, 6)._unsafeUnwrapErr()).toMatchObject({
      kind: 'providerFailed',
      message: expect.stringContaining('another thread')
    })
    expect((await requests(0).request(Half, 8))._unsafeUnwrap()).toBe(4)
    expect(asked).toEqual([8])
  })

  it('gives each of many requests its own answer, whatever the order of the answers', async () => {
    const { requests } = bind(linked([Double]))
    const waiting: (() => void)[] = []
    requests(1).provide(Double, async ({ n }) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return n * 2
    })
    const answers = Array.from({ length: 100 }, (_, n) => requests(0).request(Double, { n }))
    while (waiting.length < 100) await new Promise(setImmediate)
    for (const wake of waiting.reverse()) wake()
    const values = (await Promise.all(answers)).map((result) => result._unsafeUnwrap())
    expect(values).toEqual(Array.from({ length: 100 }, (_, n) => n * 2))
  })

  it('tells the provider that the caller gave up, and drops a late answer', async () => {
    const { requests } = bind(linked([Double]))
    let aborted: Promise<void> | undefined
    let release = (): void => {}
    requests(1).provide(Double, async ({ n }, { signal }) => {
      if (n > 0) return n * 2
      aborted = new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return 666
    })
    const given = await requests(0).request(Double, { n: 0 }, { timeoutMs: 20 })
    expect(given._unsafeUnwrapErr()).toMatchObject({ kind: 'timeout' })
    await aborted
    release()
    expect((await requests(0).request(Double, { n: 4 }))._unsafeUnwrap()).toBe(8)
  })

  it('tells the provider of a caller that gives up while its payload is encoded, and counts it no more', async () => {
    pair = new Pair()
    const { links, hubs, context, ports } = pair
    const near = new Link(ports[0], hubs[0], { ...eager, maxPendingRequests: 1 })
    links[0].close('there is one with a limit')
    near.route(context, { send: [Double], receive: [] })
    links[1].route(context, { send: [], receive: [Double] })
    const { requests } = bind(pair)
    let toldOf = 0
    requests(1).provide(Double, ({ n }, { signal }) => {
      if (n > 0) return n * 2
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(++toldOf))
      })
    })
    const giveUp = async (n: unknown): Promise<void> => {
      const controller = new AbortController()
      const payload = {
        get n(): number {
          controller.abort()
          return n as number
        }
      }
      const given = await requests(0).request(Double, payload, { signal: controller.signal })
      expect(given._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted' })
      await near.drained()
    }
    await giveUp(0)
    while (toldOf < 1) await new Promise(setImmediate)
    // What cannot be sent after all is not waited for either.
    await giveUp(() => 1)
    expect([near.busy, links[1].busy]).toEqual([false, false])
    expect((await requests(0).request(Double, { n: 2 }))._unsafeUnwrap()).toBe(4)
    near.close('the test is over')
  })

  it('answers a request that nobody provides there with noProvider', async () => {
    const { requests } = bind(linked([Double]))
    const error = (await requests(0).request(Double, { n: 1 }))._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'noProvider' })
  })

  it('carries messages whose codecs are those of keys and payloads', async () => {
    const point = struct({ x: integer, y: integer })
    type Point = CodecValue<typeof point>
    const Went = defineEvent<Point>('test.went', { codec: point })
    const codec = { payload: point, response: point, error: string }
    const Nearest = defineRequest<Point, Point, string>('test.nearest', { codec })
    const both = linked([Nearest, Went])
    const arrived = arrivals(both.events(1), Went, 1)
    both.requests(1).provide(Nearest, ({ x, y }) => (x === 0 ? err('nowhere') : ok({ x: x + 1, y })))
    both.events(0).emit(Went, { x: 1, y: -2 })
    const ask = (x: number) => both.requests(0).request(Nearest, { x, y: 7 })
    expect((await ask(5))._unsafeUnwrap()).toEqual({ x: 6, y: 7 })
    expect((await ask(0))._unsafeUnwrapErr()).toBe('nowhere')
    expect(await arrived).toEqual([{ x: 1, y: -2 }])
  })

  it('fails only the request whose payload cannot be cloned', async () => {
    const { requests } = bind(linked([Double]))
    requests(1).provide(Double, ({ n }) => n * 2)
    const bad = requests(0).request(Double, { n: Symbol('one') as unknown as number })
    const good = requests(0).request(Double, { n: 5 })
    const message =
      'the payload of "test.double" cannot be sent to another thread: Symbol(one) could not be cloned.'
    expect((await bad)._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable', message })
    expect((await good)._unsafeUnwrap()).toBe(10)
  })

  it('says why a long function cannot be cloned without all of its source', async () => {
    const { requests } = bind(linked([Double]))
    const long = new Function(`return '${'x'.repeat(5000)}'`) as unknown as number
    const error = (await requests(0).request(Double, { n: long }))._unsafeUnwrapErr()
    const { message } = error as BrokerError
    expect(message).toMatch(/^the payload of "test\.double" cannot be .*function.*could not be cloned\.$/s)
    expect(message.length).toBeLessThan(500)
  })

  it('fails only the request whose response cannot be cloned', async () => {
    const { requests } = bind(linked([Double]))
    requests(1).provide(Double, ({ n }) => (n === 0 ? ((() => 1) as unknown as number) : n * 2))
    const bad = requests(0).request(Double, { n: 0 })
    const good = requests(0).request(Double, { n: 5 })
    expect((await bad)._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    expect((await good)._unsafeUnwrap()).toBe(10)
  })

  it('answers with the text of an error that cannot be cloned, and of what in an error cannot be', async () => {
    const { requests } = bind(linked([Double]))
    const bad = { kind: 'soldOut', ask: (): void => {} }
    requests(1).provide(
      Double,
      ({ n }) => err(n === 0 ? bad : Object.assign(new Error('no'), { bad })) as never
    )
    const text = '{ kind: "soldOut", ask: [function ask] }'
    expect((await requests(0).request(Double, { n: 0 }))._unsafeUnwrapErr()).toBe(text)
    expect((await requests(0).request(Double, { n: 1 }))._unsafeUnwrapErr()).toMatchObject({
      message: 'no',
      bad: text
    })
  })

  it('fails only the request whose error cannot be sent, however odd the error is', async () => {
    const refuses: Error = new Proxy(new Error('no'), {
      ownKeys() {
        throw refuses
      }
    })
    const codec: WireCodec<Error> = {
      write() {
        throw refuses
      },
      read: () => refuses
    }
    const Coded = defineRequest<void, void, Error>('test.codedError', { codec: { error: codec } })
    const two = linked([Double, Coded])
    const { requests } = bind(two)
    const evasive = Object.defineProperty(new Error('locked'), 'row', {
      enumerable: true,
      get() {
        throw this
      }
    })
    requests(1).provide(Coded, () => err(new Error('no matter')))
    requests(1).provide(Double, async ({ n }) => {
      if (n === 0) throw evasive
      if (n === 1) return err(refuses) as never
      return n * 2
    })
    const asked = [0, 1, 2].map((n) => requests(0).request(Double, { n }))
    const coded = (await requests(0).request(Coded))._unsafeUnwrapErr()
    expect(coded).toMatchObject({ kind: 'notSendable', cause: expect.any(String) })
    const [thrown, answered, sound] = await Promise.all(asked)
    expect(thrown?._unsafeUnwrapErr()).toMatchObject({
      kind: 'providerFailed',
      cause: { message: 'locked', row: '(unreadable)' }
    })
    expect(answered?._unsafeUnwrapErr()).toEqual(expect.any(String))
    expect(sound?._unsafeUnwrap()).toBe(4)
    expect(two.faults).toEqual([])
  })

  it('reports an event that cannot be cloned as a failure of a listener, and carries the next one', async () => {
    const { events } = bind(linked([Ping]))
    const failures: unknown[] = []
    events(0).listenerErrors.subscribe(({ error }) => failures.push(error))
    const arrived = arrivals(events(1), Ping, 1)
    events(0).emit(Ping, { n: Symbol('x') as unknown as number })
    events(0).emit(Ping, { n: 2 })
    expect(await arrived).toEqual([{ n: 2 }])
    expect(failures).toMatchObject([{ kind: 'notSendable' }])
  })

  it('refuses what a getter sends while its message is being encoded, and keeps everything else', async () => {
    const { events, requests } = bind(linked([Ping, Double]))
    requests(1).provide(Double, ({ n }) => n * 2)
    const failures: unknown[] = []
    events(0).listenerErrors.subscribe(({ error }) => failures.push(error))
    const arrived = arrivals(events(1), Ping, 3)
    const nested: Promise<unknown>[] = []
    const tricky = {
      get n(): number {
        events(0).emit(Ping, { n: 77 })
        nested.push(Promise.resolve(requests(0).request(Double, { n: 77 })))
        return 2
      }
    }
    events(0).emit(Ping, { n: 1 })
    events(0).emit(Ping, tricky)
    events(0).emit(Ping, { n: 3 })
    const fine = requests(0).request(Double, { n: 4 })
    expect(await arrived).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect((await fine)._unsafeUnwrap()).toBe(8)
    expect(failures).toMatchObject([{ kind: 'notSendable' }])
    expect(await Promise.all(nested)).toMatchObject([{ error: { kind: 'notSendable' } }])
  })

  it('has an outcome for each listener that is counted, and for its own failure', async () => {
    const { events } = bind(linked([Ping]))
    events(0).listenerErrors.subscribe()
    events(0).listen(Ping, () => {})
    const settle = async (n: unknown) =>
      (await events(0).emitSettled(Ping, { n } as { n: number })).map(({ status }) => status)
    expect(events(0).listenerCount(Ping)).toBe(1)
    expect(await settle(1)).toEqual(['fulfilled'])
    expect(await settle(() => {})).toEqual(['rejected', 'fulfilled'])
  })

  it('uses the codec of a definition', async () => {
    const codec: WireCodec<number> = { write: (writer, n) => writer.u16(n), read: (reader) => reader.u16() }
    const Coded = defineEvent<number>('test.coded', { codec })
    const { events } = bind(linked([Coded]))
    const arrived = arrivals(events(1), Coded, 1)
    events(0).emit(Coded, 65_536 + 7)
    expect(await arrived).toEqual([7])
  })

  it('hands over together what came together, to a codec that reads events by the run', async () => {
    const runs: number[][] = []
    const two = linked([Counted, Ping])
    two.hubs[1].listenToRuns(two.context, Counted, (run) => runs.push([...run]))
    const single = arrivals(two.events(1), Counted, 7)
    const events = two.events(0)
    events.emit(Counted, 1)
    events.emit(Counted, 2)
    events.emit(Ping, { n: 1 })
    events.emit(Counted, 3)
    events.emit(Counted, -1)
    events.emit(Counted, 4)
    await arrivals(two.events(1), Counted, 4)
    // The place in a frame where the events before have ended is a place of something else in the next one.
    events.emit(Ping, { n: 2 })
    for (const n of [5, 6, 7]) events.emit(Counted, n)
    expect(await single).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(runs).toEqual([
      [1, 2],
      [3, 4],
      [5, 6, 7]
    ])
  })

  it('hands a run that a generator reads to every listener, and whole to a listener to runs', async () => {
    const codec: WireCodec<number> = {
      ...counted,
      *readRun(reader) {
        while (!reader.done) {
          reader.skip(4)
          yield reader.u8()
        }
      }
    }
    const Generated = defineEvent<number>('test.generated', { codec })
    const two = linked([Generated])
    const runs: number[][] = []
    two.hubs[1].listenToRuns(two.context, Generated, (run) => runs.push([...run]))
    const heard = [arrivals(two.events(1), Generated, 3), arrivals(two.events(1), Generated, 3)]
    for (const n of [1, 2, 3]) two.events(0).emit(Generated, n)
    expect(await Promise.all(heard)).toEqual([
      [1, 2, 3],
      [1, 2, 3]
    ])
    expect(runs).toEqual([[1, 2, 3]])
  })

  it('breaks when a codec cannot read a run, rather than lose events', async () => {
    const two = linked([Counted])
    two.events(1).listen(Counted, () => {})
    two.events(0).emit(Counted, 1)
    two.events(0).emit(Counted, 255)
    while (two.faults.length === 0) await new Promise(setImmediate)
    expect(String(two.faults[0])).toContain('255 is not for runs')
  })

  it('takes a frame that left early for a turn of its own, so that its answers leave while the rest is worked on', async () => {
    const two = linked([Double])
    const turns: number[] = []
    let inTurn = 0
    two.requests(1).provide(Double, ({ n }) => {
      if (inTurn++ === 0) {
        two.hubs[1].turns.atEnd(() => {
          turns.push(inTurn)
          inTurn = 0
        })
      }
      return n * 2
    })
    const asked = Array.from({ length: 40 }, (_, n) => two.requests(0).request(Double, { n }))
    const answers = await Promise.all(asked)
    expect(answers.map((answer) => answer._unsafeUnwrap())).toEqual(asked.map((_, n) => n * 2))
    expect(turns).toEqual([32, 8])
  })

  it('keeps messages apart when a codec reads less than was written', async () => {
    const codec: WireCodec<number> = {
      write: (writer, n) => {
        writer.u32(n)
        writer.u32(0)
      },
      read: (reader) => reader.u32()
    }
    const Sloppy = defineEvent<number>('test.sloppy', { codec })
    const { events } = bind(linked([Sloppy]))
    const arrived = arrivals(events(1), Sloppy, 3)
    for (const n of [1, 2, 3]) events(0).emit(Sloppy, n)
    expect(await arrived).toEqual([1, 2, 3])
  })

  it('answers a signal with noHandler while nobody handles it there, and keeps the place', async () => {
    const { signals } = bind(linked([Note]))
    while (signals(0).has(Note)) await new Promise(setImmediate)
    expect(signals(0).signal(Note, 2)._unsafeUnwrapErr()).toMatchObject({ kind: 'noHandler' })
    expect(
      signals(0)
        .on(Note, () => {})
        ._unsafeUnwrapErr()
    ).toMatchObject({ kind: 'alreadyHandled' })
    const handled = new Promise((resolve) => signals(1).on(Note, resolve))
    while (!signals(0).has(Note)) await new Promise(setImmediate)
    expect(signals(0).signal(Note, 3).isOk()).toBe(true)
    expect(await handled).toBe(3)
  })

  it('answers a signal with noHandler when the other side receives it no more', async () => {
    pair = new Pair()
    const { links, context } = pair
    const { signals } = bind(pair)
    signals(1).on(Note, () => {})
    const unroute = links[1].route(context, { send: [], receive: [Note] })
    links[0].route(context, { send: [Note], receive: [] })
    await new Promise(setImmediate)
    expect(signals(0).has(Note)).toBe(true)
    unroute()
    while (signals(0).has(Note)) await new Promise(setImmediate)
    expect(signals(0).signal(Note, 1)._unsafeUnwrapErr()).toMatchObject({ kind: 'noHandler' })
  })

  it('keeps apart the message that is being encoded and a handler that its codec takes out', async () => {
    pair = new Pair()
    const { links, context } = pair
    const { events, signals } = bind(pair)
    const codec: WireCodec<number> = {
      write: (writer, n) => {
        writer.u16(n)
        void signals(1).drop(Note)
      },
      read: (reader) => reader.u16()
    }
    const Odd = defineEvent<number>('test.odd', { codec })
    links[1].route(context, { send: [Odd], receive: [Note] })
    links[0].route(context, { send: [Note], receive: [Odd] })
    const arrived = arrivals(events(0), Odd, 2)
    signals(1).on(Note, () => {})
    events(1).emit(Odd, 1)
    const handled = new Promise((resolve) => signals(1).on(Note, resolve))
    await new Promise(setImmediate)
    expect(signals(0).signal(Note, 3).isOk()).toBe(true)
    expect(await handled).toBe(3)
    events(1).emit(Odd, 2)
    expect(await arrived).toEqual([1, 2])
    while (signals(0).has(Note)) await new Promise(setImmediate)
  })

  it('passes signals on to a further link: more than fit at once, and whether somebody handles them', async () => {
    const first = linked([Note])
    const { context } = first
    const { port1, port2 } = new MessageChannel()
    const last = new BrokerHub()
    const links = [new Link(port1, first.hubs[1], eager), new Link(port2, last, eager)] as const
    links[0].route(context, { send: [Note], receive: [] })
    links[1].route(context, { send: [], receive: [Note] })
    const { signals } = bind(first)
    while (signals(0).has(Note)) await new Promise(setImmediate)
    const handled: number[] = []
    new SignalBroker(last, context).on(Note, (n) => handled.push(n))
    while (!signals(0).has(Note)) await new Promise(setImmediate)
    for (let n = 0; n < 10; ) {
      if (signals(0).signal(Note, n).isOk()) n++
      else await new Promise(setImmediate)
    }
    while (handled.length < 10) await new Promise(setImmediate)
    expect(handled).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const link of links) link.close('the test is over')
    for (const port of [port1, port2]) port.close()
    while (signals(0).has(Note)) await new Promise(setImmediate)
  })

  it('carries a context again after it has stopped carrying it', async () => {
    pair = new Pair()
    const { context, links } = pair
    const { events, requests } = bind(pair)
    for (let round = 0; round < 3; round++) {
      const unroutes = [
        links[0].route(context, { send: [Ping, Double], receive: [] }),
        links[1].route(context, { send: [], receive: [Ping, Double] })
      ]
      const arrived = arrivals(events(1), Ping, 1)
      const provider = requests(1)
        .provide(Double, ({ n }) => ok(n * 2))
        ._unsafeUnwrap()
      events(0).emit(Ping, { n: round })
      expect(await arrived).toEqual([{ n: round }])
      expect((await requests(0).request(Double, { n: round }))._unsafeUnwrap()).toBe(round * 2)
      provider.remove()
      await events(1).dropAll(Ping)
      for (const unroute of unroutes) unroute()
    }
    expect(pair.faults).toEqual([])
  })

  it('keeps nothing of the contexts that it carries no more', async () => {
    pair = new Pair()
    const { hubs, links } = pair
    const carry = async (contexts: number): Promise<void> => {
      for (let count = 0; count < contexts; count++) {
        const context = BrokerContext.create()
        const unroute = links[0].route(context, { send: [Ping, Note], receive: [] })
        new EventBroker(hubs[0], context).emit(Ping, { n: count })
        unroute()
        if (count % 100 === 0) await links[0].drained()
      }
      await links[0].drained()
    }
    await carry(500)
    const before = heapInUse()
    await carry(20_000)
    expect(heapInUse() - before).toBeLessThan(2 * 1024 * 1024)
  })

  it('settles what is under way when it is closed, and withdraws its providers', async () => {
    const linkedPair = linked([Double])
    const { requests } = bind(linkedPair)
    requests(1).provide(Double, () => new Promise<number>(() => {}))
    const pending = requests(0).request(Double, { n: 1 })
    await new Promise(setImmediate)
    linkedPair.links[0].close('the other thread is gone', new Error('boom'))
    const error = (await pending)._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'disconnected', cause: { message: 'boom' } })
    // That of the link would tell nothing.
    expect((error as BrokerError).stack).toBe(`BrokerError: ${(error as BrokerError).message}`)
    expect(requests(0).isProvided(Double)).toBe(false)
    expect(linkedPair.hubs[0].contextCount).toBe(0)
  })

  it('settles at once what a multi-request asks of it after an earlier provider has closed it', async () => {
    const two = linked([])
    const broker = new MultiRequestBroker(two.hubs[0], two.context)
    broker.provide(Numbers, () => {
      two.links[0].close('enough', new Error('boom'))
      return ok(1)
    })
    two.links[0].route(two.context, { send: [Numbers], receive: [] })
    two.links[1].route(two.context, { send: [], receive: [Numbers] })
    expect(await broker.requestSettled(Numbers, undefined, { timeoutMs: 20_000 })).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', error: { kind: 'disconnected', cause: { message: 'boom' } } }
    ])
  })

  it('refuses to send a request that is provided on its own side', () => {
    pair = new Pair()
    const { hubs, links, context } = pair
    pair.requests(0).provide(Double, ({ n }) => n)
    expect(() => links[0].route(context, { send: [Ping, Double], receive: [] })).toThrow(
      expect.objectContaining({ kind: 'alreadyProvided' })
    )
    expect(hubs[0].provider(context, Double)).toBeDefined()
  })

  it.each([
    ['an unknown tag', Uint8Array.of(0, 0, 0, 0, 99)],
    ['a truncated frame', Uint8Array.of(0, 0, 0, 0, 2, 0)],
    ['a channel that was not declared', Uint8Array.of(0, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0)],
    ['no header', Uint8Array.of(1)]
  ])('closes itself over %s', async (_, frame) => {
    const linkedPair = linked([Double])
    const { requests } = bind(linkedPair)
    requests(1).provide(Double, () => new Promise<number>(() => {}))
    const pending = requests(0).request(Double, { n: 1 })
    linkedPair.links[0].take(frame)
    expect((await pending)._unsafeUnwrapErr()).toMatchObject({ kind: 'disconnected' })
    expect(linkedPair.faults).toHaveLength(1)
  })

  it('tells when it has work under way and when it has none', async () => {
    const busy: boolean[] = []
    const { port1, port2 } = new MessageChannel()
    const hubs = [new BrokerHub(), new BrokerHub()] as const
    const context = BrokerContext.create()
    const near = new Link(port1, hubs[0], { ...eager, onBusy: (now) => busy.push(now) })
    const far = new Link(port2, hubs[1], { maxFramesInFlight: Number.POSITIVE_INFINITY, acknowledgeEvery: 1 })
    near.route(context, { send: [Double, Ping], receive: [] })
    far.route(context, { send: [], receive: [Double, Ping] })
    new RequestBroker(hubs[1], context).provide(Double, ({ n }) => n)
    await new RequestBroker(hubs[0], context).request(Double, { n: 1 })
    while (busy.length < 2) await new Promise(setImmediate)
    expect(busy).toEqual([true, false])
    new EventBroker(hubs[0], context).emit(Ping, { n: 1 })
    while (busy.length < 4) await new Promise(setImmediate)
    expect(busy).toEqual([true, false, true, false])
    near.close('over')
    far.close('over')
    port1.close()
  })
})

function bind(from: Pair): Pick<Pair, 'events' | 'requests' | 'signals'> {
  return {
    events: (side) => from.events(side),
    requests: (side) => from.requests(side),
    signals: (side) => from.signals(side)
  }
}

function heapInUse(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Reads no 13. */
const superstitious: WireCodec<number> = {
  write: (writer, n) => writer.u8(n),
  read(reader) {
    reader.enter(1)
    const n = reader.u8()
    if (n === 13) throw new RangeError('no 13')
    return n
  }
}
const Numbers = defineMultiRequest<void, number>('test.numbers', { codec: { response: superstitious } })
const Number13 = defineRequest<number, number>('test.number13', {
  codec: { payload: superstitious, response: superstitious }
})

describe('an answer that cannot be read', () => {
  it('costs its own message only, wherever in it the reading stopped', async () => {
    const both = linked([Numbers, Number13])
    const requests = (side: 0 | 1): RequestBroker => both.requests(side)
    const there = new MultiRequestBroker(both.hubs[1], both.context)
    for (const n of [13, 7, 13]) there.provide(Numbers, () => ok(n))
    requests(1).provide(Number13, (n) => n + 1)
    const here = new MultiRequestBroker(both.hubs[0], both.context)
    const asked = [
      here.requestSettled(Numbers),
      requests(0).request(Number13, 12),
      requests(0).request(Number13, 13),
      requests(0).request(Number13, 1)
    ] as const
    const [outcomes, answer, payload, sound] = await Promise.all(asked)
    const message = 'an answer could not be read: no 13'
    const unreadable = {
      status: 'rejected',
      error: { kind: 'notSendable', message, cause: { message: 'no 13' } }
    }
    expect(outcomes).toMatchObject([unreadable, { status: 'fulfilled', value: 7 }, unreadable])
    expect(answer._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    expect(payload._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    expect(sound._unsafeUnwrap()).toBe(2)
    expect(both.faults).toEqual([])
  })
})

describe('a signal that cannot be read', () => {
  it('is told as such only, and makes room for another', async () => {
    const Numbered = defineSignal<number>('test.numbered', { queueDepth: 1, codec: superstitious })
    const { signals } = bind(linked([Numbered]))
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const handled: number[] = []
    signals(1).on(Numbered, (n) => handled.push(n))
    for (const n of [13, 7]) {
      while (signals(0).signal(Numbered, n).isErr()) await new Promise(setImmediate)
    }
    while (handled.length === 0) await new Promise(setImmediate)
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      'signal "test.numbered" could not be read: no 13'
    ])
    warned.mockRestore()
  })
})
