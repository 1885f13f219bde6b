/** Owns what a link sends: writes each message into the frame that leaves next. `FrameSender` decides when it leaves. */
import type { BrokerContext } from '../../brokers/context.js'
import { BrokerError } from '../../brokers/errors.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import type { WireCodec } from '../../bytes/wire-codec.js'
import { queueMicrotask } from '../../runtime/event-loop.js'
import { shortMessageOf } from '../../runtime/message-of.js'
import { brokerErrorCodec } from './error-codecs.js'
import type { Exchange } from './exchange.js'
import { FailureForm, Tag } from './frame-layout.js'
import type { FrameSender } from './frame-sender.js'

/** The number that the sender gave to one message of one context. */
export type ChannelId = number

export class Outbox {
  readonly #frames: FrameSender
  readonly #writer: ByteWriter
  #lastChannel: ChannelId = 0
  /** The last run of events: its frame, its channel, the offset of its length, and its end. */
  #runFrame = 0
  #runChannel: ChannelId = 0
  #runAt = 0
  #runEnd = 0
  /** The message being encoded, and its start. A codec or a getter that runs meanwhile must not write another one into it. */
  #encoding: string | undefined
  #encodingFrom = 0

  constructor(frames: FrameSender) {
    this.#frames = frames
    this.#writer = frames.writer
  }

  /** Whether a message is being encoded: a codec or a getter of it runs. */
  get encoding(): boolean {
    return this.#encoding !== undefined
  }

  /**
   * Numbers one message of one context, and declares that to the other side.
   *
   * @throws BrokerError `notSendable` while another message is being encoded
   */
  openChannel(context: BrokerContext, kind: number, name: string): ChannelId {
    this.#requireNotEncoding(name)
    const id = ++this.#lastChannel
    const writer = this.#writer
    writer.u8(Tag.channel)
    writer.u32(id)
    writer.u8(kind)
    writer.text(context.id)
    writer.text(name)
    this.#frames.schedule()
    return id
  }

  /** Has the other side forget a channel: nothing more is sent through it. */
  endChannel(channel: ChannelId): void {
    this.#plain(Tag.channelEnd, channel)
  }

  /**
   * Sends an event. Consecutive events of one channel are a run, which is one message.
   *
   * @throws BrokerError `notSendable` when the payload cannot be encoded; nothing is sent then
   */
  event(channel: ChannelId, exchange: Exchange, payload: unknown): void {
    this.#requireNotEncoding(exchange.name)
    const writer = this.#writer
    const start = writer.offset
    let lengthAt = this.#runAt
    if (start !== this.#runEnd || channel !== this.#runChannel || this.#frames.posted !== this.#runFrame) {
      writer.u8(Tag.event)
      writer.u32(channel)
      lengthAt = writer.offset
      writer.u32(0)
    }
    this.#body(start, 'payload', exchange.name, exchange.payload, payload)
    this.#runFrame = this.#frames.posted
    this.#runChannel = channel
    this.#runAt = lengthAt
    this.#runEnd = writer.offset
    writer.patchU32(lengthAt, writer.offset - lengthAt - 4)
    this.#frames.schedule()
  }

  /** @throws BrokerError `notSendable` when the payload cannot be encoded; nothing is sent then. */
  signal(channel: ChannelId, exchange: Exchange, payload: unknown): void {
    this.#requireNotEncoding(exchange.name)
    const start = this.#writer.offset
    this.#writer.u8(Tag.signal)
    this.#writer.u32(channel)
    this.#body(start, 'payload', exchange.name, exchange.payload, payload)
    this.#frames.schedule()
  }

  /** @throws BrokerError `notSendable` when the payload cannot be encoded; nothing is sent then. */
  request(
    channel: ChannelId,
    call: number,
    exchange: Exchange,
    payload: unknown,
    traceparent: string | undefined
  ): void {
    this.#requireNotEncoding(exchange.name)
    const start = this.#writer.offset
    // Application code sets it: a value that is no string must not break the frame.
    const traced = typeof traceparent === 'string'
    this.#writer.u8(traced ? Tag.tracedRequest : Tag.request)
    this.#writer.u32(channel)
    this.#writer.u32(call)
    if (traced) this.#writer.text(traceparent)
    this.#body(start, 'payload', exchange.name, exchange.payload, payload)
    this.#frames.awaited()
  }

  /** @throws BrokerError `notSendable` when the response cannot be encoded; nothing is sent then. */
  response(call: number, exchange: Exchange, response: unknown): void {
    this.#requireNotEncoding(exchange.name)
    const start = this.#writer.offset
    this.#writer.u8(Tag.response)
    this.#writer.u32(call)
    this.#body(start, 'response', exchange.name, exchange.response, response)
    this.#frames.awaited()
  }

  /** Sends an error; one that cannot be encoded arrives as a `notSendable` error. */
  failure(call: number, exchange: Pick<Exchange, 'name' | 'error'>, error: unknown): void {
    if (this.encoding) {
      queueMicrotask(() => this.failure(call, exchange, error))
      return
    }
    try {
      this.#failure(call, exchange, error)
    } catch (notSendable) {
      // That is one of ours, whose cause arrives as its text where nothing else of it can be had: writing it does not throw.
      this.#failure(call, exchange, notSendable)
    }
    this.#frames.schedule()
  }

  /** Reports that signals of a channel have been handled. */
  handled(channel: ChannelId, count: number): void {
    this.#plain(Tag.handled, channel, count)
  }

  /** Reports whether the signals of a channel have a handler. */
  handler(channel: ChannelId, there: boolean): void {
    this.#plain(Tag.handler, channel, there ? 1 : 0)
  }

  cancel(call: number): void {
    this.#plain(Tag.cancel, call)
  }

  /** Drops the message being encoded, if any, so that those before it can leave: the process ends within its codec. */
  dropUnfinished(): void {
    if (!this.encoding) return
    this.#encoding = undefined
    this.#writer.rewind(this.#encodingFrom)
  }

  /** Sends a message of numbers only. */
  #plain(tag: number, ...fields: number[]): void {
    if (this.#frames.closed) return
    if (this.encoding) {
      queueMicrotask(() => this.#plain(tag, ...fields))
      return
    }
    this.#writer.u8(tag)
    for (const field of fields) this.#writer.u32(field)
    this.#frames.schedule()
  }

  #failure(call: number, { name, error: codec }: Pick<Exchange, 'name' | 'error'>, error: unknown): void {
    const start = this.#writer.offset
    const isBrokerError = BrokerError.is(error)
    this.#writer.u8(Tag.failure)
    this.#writer.u32(call)
    this.#writer.u8(isBrokerError ? FailureForm.broker : FailureForm.own)
    this.#body(start, 'error', name, isBrokerError ? brokerErrorCodec : codec, error)
  }

  #body(start: number, part: string, name: string, codec: WireCodec<unknown>, value: unknown): void {
    const writer = this.#writer
    const at = writer.offset
    writer.u32(0)
    this.#encoding = name
    this.#encodingFrom = start
    try {
      codec.write(writer, value)
    } catch (cause) {
      writer.rewind(start)
      const message = `the ${part} of "${name}" cannot be sent to another thread: ${shortMessageOf(cause)}`
      throw new BrokerError('notSendable', message, { cause })
    } finally {
      this.#encoding = undefined
    }
    writer.patchU32(at, writer.offset - at - 4)
  }

  /** @throws BrokerError `notSendable` */
  #requireNotEncoding(name: string): void {
    if (this.#encoding === undefined) return
    const message = `"${name}" cannot be sent by a codec or a getter of "${this.#encoding}", while that is being encoded`
    throw new BrokerError('notSendable', message)
  }
}
