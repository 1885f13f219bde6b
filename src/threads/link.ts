/**
 * Owns one connection between the hubs of two threads: which messages of which contexts it carries, and taking frames
 * apart. Both sides run the same code.
 */
import { BrokerContext } from '../brokers/context.js'
import type { EventDefinition } from '../brokers/definitions.js'
import { BrokerError } from '../brokers/errors.js'
import { type BrokerHub, noProvider } from '../brokers/hub.js'
import { warnThrottled } from '../brokers/warnings.js'
import { ByteReader } from '../bytes/byte-reader.js'
import type { WireCodec } from '../bytes/wire-codec.js'
import { type AnyRequest, InboundCall, OutboundCall } from './calls.js'
import { brokerErrorCodec, cloneCodec } from './codec.js'
import { type ChannelId, Outbox, type OutboxOptions } from './outbox.js'
import type { LinkPort } from './port.js'
import { FailureForm, Tag } from './tags.js'

/** Any message that a link can carry. */
export type CarriedMessage = EventDefinition<unknown> | AnyRequest

/** What a link carries for one context, seen from its own side. */
export interface Routes {
  /** Events emitted here are delivered there as well; requests made here are answered there. */
  readonly send: readonly CarriedMessage[]
  /** Events emitted there are delivered here as well; requests made there are answered here. */
  readonly receive: readonly CarriedMessage[]
}

export interface LinkOptions extends OutboxOptions {
  /** Called when the link starts or stops having work under way. */
  readonly onBusy?: (busy: boolean) => void
  /** Called when the other side sent something that cannot be understood, after the link has closed itself. */
  readonly onFault?: (fault: unknown) => void
}

interface InboundRoute {
  readonly context: BrokerContext
  readonly message: CarriedMessage
}

/** A channel that the other side declared, and where its messages go while somebody receives them. */
interface InboundChannel {
  readonly contextId: string
  readonly name: string
  readonly key: string
  route: InboundRoute | undefined
}

export class Link {
  readonly #port: LinkPort
  readonly #hub: BrokerHub
  readonly #options: LinkOptions
  readonly #outbox: Outbox
  readonly #inboundRoutes = new Map<string, InboundRoute>()
  readonly #inboundChannels: (InboundChannel | undefined)[] = []
  readonly #outboundCalls = new Map<number, OutboundCall>()
  readonly #inboundCalls = new Map<number, InboundCall>()
  readonly #unroutes = new Set<() => void>()
  readonly #onMessage = (value: unknown): void => this.receive(value as Uint8Array)
  readonly #forgetInbound = (id: number): void => void this.#inboundCalls.delete(id)
  readonly #cancelOutbound = (id: number): void => {
    if (this.#outboundCalls.delete(id)) this.#outbox.cancel(id)
    this.#checkBusy()
  }
  #lastCallId = 0
  #busy = false
  #closed = false

  constructor(port: LinkPort, hub: BrokerHub, options: LinkOptions) {
    this.#port = port
    this.#hub = hub
    this.#options = options
    this.#outbox = new Outbox(port, options, () => this.#checkBusy())
    port.on('message', this.#onMessage)
  }

  /**
   * Carries the messages of a context until the returned function is called or the link is closed.
   *
   * @throws BrokerError `alreadyProvided` when a request to send has a provider on this side; nothing is routed then
   */
  route(context: BrokerContext, routes: Routes): () => void {
    const undo: (() => void)[] = []
    const unroute = (): void => {
      this.#unroutes.delete(unroute)
      for (const step of undo.splice(0)) step()
    }
    this.#unroutes.add(unroute)
    try {
      for (const message of routes.send) undo.push(this.#send(context, message))
    } catch (error) {
      unroute()
      throw error
    }
    for (const message of routes.receive) {
      const key = routeKey(context.id, message.kind === 'event' ? 0 : 1, message.name)
      this.#inboundRoutes.set(key, { context, message })
      undo.push(() => this.#unreceive(key))
    }
    return unroute
  }

  /** Whether requests of either side are under way. */
  get busy(): boolean {
    return this.#inboundCalls.size > 0 || this.#outboundCalls.size > 0
  }

  /** Posts at once what is waiting to leave. */
  flush(): void {
    this.#outbox.flush()
  }

  /** Takes in one frame. A frame that cannot be read breaks the link. */
  receive(frame: Uint8Array): void {
    if (this.#closed) return
    try {
      this.#receive(frame)
    } catch (fault) {
      this.close('a frame of the other thread could not be read', fault)
      this.#options.onFault?.(fault)
    }
  }

  #receive(frame: Uint8Array): void {
    const reader = new ByteReader(frame)
    const acknowledged = reader.u32()
    if (reader.done) {
      this.#outbox.acknowledged(acknowledged)
      return
    }
    this.#hub.turns.run(() => {
      while (!reader.done) this.#message(reader)
    })
    this.#outbox.acknowledge()
    this.#outbox.acknowledged(acknowledged)
    // The answers that were ready at the end of the turn leave in one frame.
    if (this.#options.acknowledgeEvery === 1) this.#outbox.flush()
  }

  /** Stops carrying; every request under way ends with `disconnected`. Repeating it is harmless. */
  close(reason: string, cause?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#port.off('message', this.#onMessage)
    this.#outbox.close()
    for (const unroute of [...this.#unroutes]) unroute()
    const calls = [...this.#outboundCalls.values()]
    this.#outboundCalls.clear()
    for (const { call, definition } of calls) {
      const message = `request "${definition.name}" was not answered: ${reason}`
      call.reject(new BrokerError('disconnected', message, cause === undefined ? undefined : { cause }))
    }
    for (const call of [...this.#inboundCalls.values()]) call.cancel()
    this.#checkBusy()
  }

  #send(context: BrokerContext, message: CarriedMessage): () => void {
    // Opened with the first message, so that what is never sent costs the other side nothing.
    let channel: ChannelId | undefined
    if (message.kind === 'event') {
      const forward = (payload: unknown): void => {
        channel ??= this.#outbox.openChannel(context, 0, message.name)
        this.#outbox.event(channel, message.name, message.codec, payload)
        this.#checkBusy()
      }
      const handle = this.#hub.listen(context, message, forward, { origin: this, internal: true })
      return () => void handle.drop()
    }
    const handle = this.#hub.provide(context, message, (payload, call) => {
      const id = this.#nextCallId()
      try {
        channel ??= this.#outbox.openChannel(context, 1, message.name)
        this.#outbox.request(channel, id, message.name, message.codec.payload, payload)
      } catch (notSendable) {
        call.reject(notSendable)
        return
      }
      this.#outboundCalls.set(id, new OutboundCall(id, call, message, this.#cancelOutbound))
      this.#checkBusy()
    })
    if (handle === undefined) {
      const text = `request "${message.name}" has a provider already in context ${context.toString()}`
      throw new BrokerError('alreadyProvided', text)
    }
    return () => handle.remove()
  }

  #message(reader: ByteReader): void {
    const tag = reader.u8()
    if (tag === Tag.event) this.#event(reader)
    else if (tag === Tag.request) this.#request(reader)
    else if (tag === Tag.response || tag === Tag.failure) this.#answer(reader, tag)
    else if (tag === Tag.channel) this.#openChannel(reader)
    else if (tag === Tag.cancel) this.#inboundCalls.get(reader.u32())?.cancel()
    else throw new RangeError(`unknown message tag ${tag} in a frame`)
  }

  #openChannel(reader: ByteReader): void {
    const id = reader.u32()
    const kind = reader.u8()
    const contextId = reader.text()
    const name = reader.text()
    this.#inboundChannels[id] = { contextId, name, key: routeKey(contextId, kind, name), route: undefined }
  }

  #channel(reader: ByteReader): InboundChannel {
    const id = reader.u32()
    const channel = this.#inboundChannels[id]
    if (channel === undefined) throw new RangeError(`a message for channel ${id}, which was not declared`)
    channel.route ??= this.#inboundRoutes.get(channel.key)
    return channel
  }

  #unreceive(key: string): void {
    this.#inboundRoutes.delete(key)
    for (const channel of this.#inboundChannels) if (channel?.key === key) channel.route = undefined
  }

  #event(reader: ByteReader): void {
    const { route } = this.#channel(reader)
    const outer = reader.enter(reader.u32())
    if (route?.message.kind === 'event') {
      const { context, message } = route
      try {
        this.#hub.emit(context, message, read(reader, message.codec), this)
      } catch (error) {
        warnThrottled('PERSISTENCY_UNREADABLE_MESSAGE', `event "${message.name}" could not be read`, error)
      }
    }
    reader.leave(outer)
  }

  #request(reader: ByteReader): void {
    const { route, contextId, name } = this.#channel(reader)
    const id = reader.u32()
    const outer = reader.enter(reader.u32())
    if (route?.message.kind === 'request') {
      const call = new InboundCall(id, route.context, route.message, this.#outbox, this.#forgetInbound)
      this.#inboundCalls.set(id, call)
      this.#serve(call, route.message, reader)
    } else {
      const context = BrokerContext.from({ id: contextId, label: contextId })
      this.#outbox.failure(id, name, undefined, noProvider(name, context))
    }
    reader.leave(outer)
  }

  #serve(call: InboundCall, message: AnyRequest, reader: ByteReader): void {
    let payload: unknown
    try {
      payload = read(reader, message.codec.payload)
    } catch (cause) {
      call.reject(
        new BrokerError('notSendable', `the payload of "${message.name}" could not be read`, { cause })
      )
      return
    }
    this.#hub.call(message, payload, call)
  }

  #answer(reader: ByteReader, tag: typeof Tag.response | typeof Tag.failure): void {
    const id = reader.u32()
    const form = tag === Tag.failure ? reader.u8() : FailureForm.own
    const outer = reader.enter(reader.u32())
    const pending = this.#outboundCalls.get(id)
    // An answer to a call that has been given up is passed over: its number is not used again.
    if (pending !== undefined) {
      this.#outboundCalls.delete(id)
      const { codec, name } = pending.definition
      try {
        if (tag === Tag.response) pending.call.resolve(read(reader, codec.response))
        else pending.call.reject(read(reader, form === FailureForm.broker ? brokerErrorCodec : codec.error))
      } catch (cause) {
        pending.call.reject(
          new BrokerError('notSendable', `the answer to "${name}" could not be read`, { cause })
        )
      }
    }
    reader.leave(outer)
  }

  #nextCallId(): number {
    this.#lastCallId = (this.#lastCallId + 1) >>> 0
    return this.#lastCallId
  }

  #checkBusy(): void {
    const busy = !this.#closed && (this.#outboundCalls.size > 0 || this.#outbox.busy)
    if (busy === this.#busy) return
    this.#busy = busy
    this.#options.onBusy?.(busy)
  }
}

function read(reader: ByteReader, codec: WireCodec<unknown> | undefined): unknown {
  return (codec ?? cloneCodec).read(reader)
}

function routeKey(contextId: string, kind: number, name: string): string {
  return `${kind} ${contextId} ${name}`
}
