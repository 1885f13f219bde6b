/** Owns what a link receives: reads messages and hands them to the hub. */
import { collect } from '../../brokers/collect.js'
import { BrokerContext } from '../../brokers/context.js'
import { noProvider } from '../../brokers/errors.js'
import { type BrokerHub, HandlerChanged } from '../../brokers/hub.js'
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { WireCodec } from '../../bytes/wire-codec.js'
import { queueMicrotask } from '../../runtime/event-loop.js'
import { messageOf } from '../../runtime/message-of.js'
import { warnThrottled } from '../../runtime/warnings.js'
import { CallTable } from './call-table.js'
import { InboundCall } from './calls.js'
import type { AnyEvent, AnyMultiRequest, AnyRequest, CarriedMessage } from './carried.js'
import { errorCodec, unreadable } from './error-codecs.js'
import { type Exchange, exchangeOf } from './exchange.js'
import { ChannelKind } from './frame-layout.js'
import type { ChannelId, Outbox } from './outbox.js'

interface Route {
  readonly context: BrokerContext
  readonly message: CarriedMessage
  readonly exchange: Exchange
}

/** A channel that the other side declared, and the route of its messages while there is one. */
interface Channel {
  readonly id: ChannelId
  readonly contextId: string
  readonly name: string
  readonly key: string
  route: Route | undefined
  /** Whether the other side assumes that its signals have a handler here. */
  handled: boolean
}

export class Inbound {
  readonly #hub: BrokerHub
  readonly #outbox: Outbox
  /** What is delivered is not sent through links of this origin; see `LinkOptions`. */
  readonly #origin: unknown
  readonly #routes = new Map<string, Route>()
  readonly #channels = new Map<ChannelId, Channel>()
  /** The channel of the previous message: often that of the next one, too. */
  #last: Channel | undefined
  readonly #calls = new CallTable<InboundCall>()
  /** Handled signals that are still to be reported, by channel. */
  readonly #handled = new Map<ChannelId, number>()
  readonly #forget = (id: number): void => void this.#calls.take(id)

  constructor(hub: BrokerHub, outbox: Outbox, origin: unknown) {
    this.#hub = hub
    this.#outbox = outbox
    this.#origin = origin
  }

  /** How many requests of the other side are being worked on. */
  get pending(): number {
    return this.#calls.size
  }

  /** Receives a message of a context until the returned function is called. */
  receive(context: BrokerContext, message: CarriedMessage): () => void {
    const key = routeKey(context.id, ChannelKind[message.kind], message.name)
    const route = { context, message, exchange: exchangeOf(message) }
    this.#routes.set(key, route)
    const unwatch = message.kind === 'signal' ? this.#watchHandler(context, message.name, key) : undefined
    return () => {
      // A later route of the same message and context stays.
      if (this.#routes.get(key) === route) this.#routes.delete(key)
      for (const channel of this.#channels.values()) if (channel.route === route) channel.route = undefined
      unwatch?.()
    }
  }

  openChannel(reader: ByteReader): void {
    const id = reader.u32()
    const kind = reader.u8()
    const contextId = reader.text()
    const name = reader.text()
    const key = routeKey(contextId, kind, name)
    const channel = { id, contextId, name, key, route: undefined, handled: true }
    this.#channels.set(id, channel)
    if (kind === ChannelKind.signal) this.#tellHandler(channel)
  }

  endChannel(reader: ByteReader): void {
    this.#channels.delete(reader.u32())
    this.#last = undefined
  }

  /** Reads a run of events of one channel. */
  events(reader: ByteReader): void {
    const channel = this.#channel(reader)
    const outer = reader.enter(reader.u32())
    const { route } = channel
    if (route?.message.kind === 'event') {
      const { context, message } = route
      const { payload: codec } = route.exchange
      if (codec.readRun !== undefined) {
        this.#hub.emitRun(context, message, repeatable(codec.readRun(reader)), this.#origin)
      } else {
        while (!reader.done && channel.route === route) this.#event(context, message, codec, reader)
      }
    }
    reader.leave(outer)
  }

  #event(context: BrokerContext, message: AnyEvent, codec: WireCodec<unknown>, reader: ByteReader): void {
    const outer = reader.enter(reader.u32())
    try {
      this.#hub.emit(context, message, codec.read(reader), this.#origin)
    } catch (error) {
      this.#warn(`event "${message.name}" could not be read`, error)
    }
    reader.leave(outer)
  }

  signal(reader: ByteReader): void {
    const { id, name, route } = this.#channel(reader)
    const outer = reader.enter(reader.u32())
    const done = (): void => this.#countHandled(id)
    try {
      if (!this.#accept(route, reader, done)) {
        this.#warn(`signal "${name}" was lost`, 'nobody handles it on this thread')
        done()
      }
    } catch (error) {
      this.#warn(`signal "${name}" could not be read`, error)
      done()
    }
    reader.leave(outer)
  }

  request(reader: ByteReader, traced: boolean): void {
    const { route, contextId, name } = this.#channel(reader)
    const id = reader.u32()
    const traceparent = traced ? reader.text() : undefined
    const outer = reader.enter(reader.u32())
    if (route?.message.kind === 'request' || route?.message.kind === 'multiRequest') {
      const call = new InboundCall(id, route.context, route.exchange, this.#outbox, this.#forget)
      call.traceparent = traceparent
      this.#calls.add(call)
      this.#serve(call, route.message, reader)
    } else {
      const context = BrokerContext.from({ id: contextId, label: contextId })
      this.#outbox.failure(id, { name, error: errorCodec }, noProvider(name, context))
    }
    reader.leave(outer)
  }

  cancel(reader: ByteReader): void {
    this.#calls.get(reader.u32())?.cancel()
  }

  /** The other side is gone: cancels all requests, since no answer can be sent. */
  disconnect(): void {
    for (const call of this.#calls.clear()) call.cancel()
  }

  #serve(call: InboundCall, message: AnyRequest | AnyMultiRequest, reader: ByteReader): void {
    let payload: unknown
    try {
      payload = call.exchange.payload.read(reader)
    } catch (cause) {
      call.reject(unreadable(`the payload of "${message.name}"`, cause))
      return
    }
    if (message.kind === 'request') {
      this.#hub.call(message, payload, call)
      return
    }
    // The side that made the call keeps its time limit, and cancels.
    const { signal, traceparent } = call
    const options = { timeoutMs: Number.POSITIVE_INFINITY, signal, traceparent }
    const outcomes = collect(this.#hub, call.context, message, payload, options, this.#origin)
    void outcomes.then((list) => call.resolve(list))
  }

  #accept(route: Route | undefined, reader: ByteReader, done: () => void): boolean {
    if (route?.message.kind !== 'signal') return false
    const { context, message, exchange } = route
    return this.#hub.signalTarget(context, message)?.accept(exchange.payload.read(reader), done) ?? false
  }

  /** Reports to the other side when the handler of a signal is added or removed, until the returned function is called. */
  #watchHandler(context: BrokerContext, signal: string, key: string): () => void {
    const tell = (): void => {
      for (const channel of this.#channels.values()) if (channel.key === key) this.#tellHandler(channel)
    }
    const changed = (name: string): void => {
      if (name === signal) tell()
    }
    const watching = this.#hub.listen(context, HandlerChanged, changed, { internal: true })
    tell()
    return () => {
      void watching.drop()
      tell()
    }
  }

  #tellHandler(channel: Channel): void {
    const route = this.#routes.get(channel.key)
    const handled =
      route?.message.kind === 'signal' &&
      this.#hub.signalTarget(route.context, route.message)?.vacant === false
    if (handled === channel.handled) return
    if (this.#outbox.encoding) {
      queueMicrotask(() => this.#tellHandler(channel))
      return
    }
    channel.handled = handled
    this.#outbox.handler(channel.id, handled)
  }

  /** Handled signals are reported once per turn. */
  #countHandled(channel: ChannelId): void {
    if (this.#handled.size === 0) {
      this.#hub.turns.atEnd(() => {
        for (const [id, count] of this.#handled) this.#outbox.handled(id, count)
        this.#handled.clear()
      })
    }
    this.#handled.set(channel, (this.#handled.get(channel) ?? 0) + 1)
  }

  #channel(reader: ByteReader): Channel {
    const id = reader.u32()
    const channel = this.#last?.id === id ? this.#last : this.#channels.get(id)
    if (channel === undefined) throw new RangeError(`a message for channel ${id}, which was not declared`)
    channel.route ??= this.#routes.get(channel.key)
    this.#last = channel
    return channel
  }

  #warn(what: string, error: unknown): void {
    warnThrottled('PERSISTENCY_MESSAGE_LOST', what, messageOf(error))
  }
}

/** An iterable for several listeners: a generator, for instance, could be iterated only by the first. */
function repeatable(run: Iterable<unknown>): Iterable<unknown> {
  return 'next' in run ? [...run] : run
}

function routeKey(contextId: string, kind: number, name: string): string {
  return `${kind} ${contextId} ${name}`
}
