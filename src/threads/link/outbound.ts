/** Owns the stand-ins that a link registers with the hub for listeners, providers and handlers of the other side. */
import type { BrokerContext } from '../../brokers/context.js'
import { alreadyHandled, alreadyProvided, BrokerError } from '../../brokers/errors.js'
import { type BrokerHub, HandlerChanged } from '../../brokers/hub.js'
import type { Call } from '../../brokers/provider.js'
import type { ByteReader } from '../../bytes/byte-reader.js'
import { messageOf } from '../../runtime/message-of.js'
import { withoutStack } from '../../runtime/without-stack.js'
import { CallTable } from './call-table.js'
import { OutboundCall } from './calls.js'
import type { AnyEvent, AnyMultiRequest, AnyRequest, AnySignal, CarriedMessage } from './carried.js'
import { brokerErrorCodec, unreadable } from './error-codecs.js'
import { type Exchange, exchangeOf } from './exchange.js'
import { ChannelKind, FailureForm, Tag } from './frame-layout.js'
import type { FrameSender } from './frame-sender.js'
import { GivenUp } from './given-up.js'
import type { ChannelId, Outbox } from './outbox.js'
import { RemoteSignalTarget } from './signal-target.js'

export interface OutboundParts {
  readonly hub: BrokerHub
  readonly frames: FrameSender
  readonly outbox: Outbox
  /** The link: what it delivers is not sent back through it. */
  readonly origin: unknown
  /** Requests that may wait for the other side; more are refused with `overloaded`. */
  readonly maxPendingRequests: number
  /** Called when the number of requests under way has changed. */
  readonly onChange: () => void
}

export class Outbound {
  readonly #parts: OutboundParts
  readonly #calls = new CallTable<OutboundCall>()
  readonly #signals = new Map<ChannelId, RemoteSignalTarget>()
  readonly #givenUp = new GivenUp()
  /** The error of a request once the link is closed. */
  #disconnected: ((request: string) => BrokerError) | undefined
  readonly #cancel = (id: number): void => {
    const { frames, outbox, onChange, maxPendingRequests } = this.#parts
    const call = this.#calls.take(id)
    if (call !== undefined) {
      outbox.cancel(id)
      if (Number.isFinite(maxPendingRequests)) this.#givenUp.add(call.frame, frames.workedOff)
    }
    onChange()
  }

  constructor(parts: OutboundParts) {
    this.#parts = parts
  }

  /** How many requests wait for the other side. */
  get pending(): number {
    return this.#calls.size
  }

  /**
   * Registers the stand-in for one message; returns the function that removes it.
   *
   * @param unlimited whether requests are exempt from `maxPendingRequests`
   * @throws BrokerError `alreadyProvided` or `alreadyHandled` when this side has a provider or handler
   */
  send(context: BrokerContext, message: CarriedMessage, unlimited = false): () => void {
    switch (message.kind) {
      case 'event':
        return this.#sendEvent(context, message)
      case 'request':
        return this.#sendRequest(context, message, unlimited)
      case 'multiRequest':
        return this.#sendMultiRequest(context, message)
      case 'signal':
        return this.#sendSignal(context, message)
      default:
        return message satisfies never
    }
  }

  /** Reads an answer. One to a call that was given up is skipped: its number is not used again. */
  answer(reader: ByteReader, tag: typeof Tag.response | typeof Tag.failure): void {
    const id = reader.u32()
    const form = tag === Tag.failure ? reader.u8() : FailureForm.own
    const outer = reader.enter(reader.u32())
    const pending = this.#calls.take(id)
    if (pending !== undefined) {
      const { call, exchange } = pending
      try {
        if (tag === Tag.response) call.resolve(exchange.response.read(reader))
        else call.reject((form === FailureForm.broker ? brokerErrorCodec : exchange.error).read(reader))
      } catch (cause) {
        call.reject(unreadable(`the answer to "${exchange.name}"`, cause))
      }
    }
    reader.leave(outer)
  }

  /** The other side has handled signals. */
  handled(reader: ByteReader): void {
    const channel = reader.u32()
    const count = reader.u32()
    this.#signals.get(channel)?.handled(count)
  }

  /** The handler of a signal was added or removed on the other side. */
  handler(reader: ByteReader): void {
    const channel = reader.u32()
    const there = reader.u32() === 1
    this.#signals.get(channel)?.handlerIs(there)
  }

  /** Ends everything under way. */
  disconnect(reason: string, cause: unknown): void {
    const why = cause === undefined ? reason : `${reason}: ${messageOf(cause)}`
    const disconnected = (request: string): BrokerError => {
      const message = `request "${request}" was not answered: ${why}`
      return new BrokerError('disconnected', message, cause === undefined ? undefined : { cause })
    }
    this.#disconnected = disconnected
    for (const { call, exchange } of this.#calls.clear()) {
      call.reject(withoutStack(() => disconnected(exchange.name)))
    }
    for (const target of this.#signals.values()) target.abandon()
    this.#signals.clear()
  }

  #sendEvent(context: BrokerContext, event: AnyEvent): () => void {
    const { hub, outbox, origin, onChange } = this.#parts
    const channel = new LazyChannel(outbox, context, ChannelKind.event, event.name)
    const exchange = exchangeOf(event)
    const forward = (payload: unknown): void => {
      outbox.event(channel.open(), exchange, payload)
      onChange()
    }
    const handle = hub.listen(context, event, forward, { origin, internal: true })
    return () => {
      void handle.drop()
      channel.end()
    }
  }

  #sendRequest(context: BrokerContext, request: AnyRequest, unlimited: boolean): () => void {
    const channel = new LazyChannel(this.#parts.outbox, context, ChannelKind.request, request.name)
    const { maxPendingRequests } = this.#parts
    const limit = unlimited ? Number.POSITIVE_INFINITY : maxPendingRequests
    const handler = this.#forward(channel, exchangeOf(request), limit)
    const handle = this.#parts.hub.provide(context, request, handler)
    if (handle === undefined) throw alreadyProvided(request.name, context)
    return () => {
      handle.remove()
      channel.end()
    }
  }

  #sendMultiRequest(context: BrokerContext, request: AnyMultiRequest): () => void {
    const { hub, origin, outbox } = this.#parts
    const channel = new LazyChannel(outbox, context, ChannelKind.multiRequest, request.name)
    const handler = this.#forward(channel, exchangeOf(request))
    const handle = hub.addProvider(context, request, { handler, source: undefined, origin, spread: true })
    return () => {
      handle.remove()
      channel.end()
    }
  }

  #sendSignal(context: BrokerContext, signal: AnySignal): () => void {
    const { hub, outbox, onChange } = this.#parts
    if (hub.signalTarget(context, signal) !== undefined) throw alreadyHandled(signal.name, context)
    // Opened before the first signal, so that the other side can report that it has no handler.
    const channel = outbox.openChannel(context, ChannelKind.signal, signal.name)
    const exchange = exchangeOf(signal)
    const target = new RemoteSignalTarget(signal.queueDepth, {
      send(payload) {
        outbox.signal(channel, exchange, payload)
        onChange()
      },
      handlerChanged: () => hub.emit(context, HandlerChanged, signal.name)
    })
    this.#signals.set(channel, target)
    hub.setSignalTarget(context, signal, target)
    return () => {
      if (hub.signalTarget(context, signal) === target) hub.setSignalTarget(context, signal, undefined)
      void target.retire().then(() => {
        this.#signals.delete(channel)
        outbox.endChannel(channel)
      })
    }
  }

  /** A request handler that forwards to the other side. */
  #forward(
    channel: LazyChannel,
    exchange: Exchange,
    maxPendingRequests = this.#parts.maxPendingRequests
  ): (payload: unknown, call: Call) => void {
    const { frames, outbox, onChange } = this.#parts
    return (payload, call) => {
      if (call.immediate) {
        call.reject(notHere(exchange.name))
        return
      }
      if (this.#disconnected !== undefined) {
        // A multi-request goes on to all providers that it began with, though one of them closes the link.
        call.reject(this.#disconnected(exchange.name))
        return
      }
      if (this.#waiting >= maxPendingRequests) {
        const message = `request "${exchange.name}" was not sent: ${this.#waiting} requests wait for the other thread`
        call.reject(new BrokerError('overloaded', message))
        return
      }
      const id = this.#calls.nextId()
      try {
        const channelId = channel.open()
        // Before the payload is encoded: a getter or a codec of it may have the caller give up, or close the link.
        this.#calls.add(new OutboundCall(id, call, exchange, frames.posted + 1, this.#cancel))
        outbox.request(channelId, id, exchange, payload, call.traceparent)
      } catch (notSendable) {
        this.#calls.take(id)
        call.reject(notSendable)
      }
      onChange()
    }
  }

  /** How many requests wait for the other side, including those given up that it has not come to yet. */
  get #waiting(): number {
    return this.#calls.size + this.#givenUp.waiting(this.#parts.frames.workedOff)
  }
}

/** A channel that is opened with its first message, so that a message never sent costs the other side nothing. */
class LazyChannel {
  readonly #outbox: Outbox
  readonly #context: BrokerContext
  readonly #kind: number
  readonly #name: string
  #id: ChannelId | undefined

  constructor(outbox: Outbox, context: BrokerContext, kind: number, name: string) {
    this.#outbox = outbox
    this.#context = context
    this.#kind = kind
    this.#name = name
  }

  /** @throws BrokerError `notSendable` while another message is being encoded */
  open(): ChannelId {
    this.#id ??= this.#outbox.openChannel(this.#context, this.#kind, this.#name)
    return this.#id
  }

  /** Has the other side forget the channel; a later message would open a new one. */
  end(): void {
    if (this.#id !== undefined) this.#outbox.endChannel(this.#id)
    this.#id = undefined
  }
}

/** The error of a synchronous request, which cannot wait for another thread. */
function notHere(request: string): BrokerError {
  const message = `the provider of synchronous request "${request}" lives on another thread; ask it with request()`
  return new BrokerError('providerFailed', message)
}
