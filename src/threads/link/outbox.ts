/** Owns the sending half of a link: packs messages into frames and decides when a frame leaves. */
import type { BrokerContext } from '../../brokers/context.js'
import { BrokerError } from '../../brokers/errors.js'
import { ByteWriter } from '../../bytes/byte-writer.js'
import type { WireCodec } from '../../bytes/wire-codec.js'
import { queueMicrotask } from '../../runtime/event-loop.js'
import { type Frame, memoryOf } from '../port/frame.js'
import type { LinkPort } from '../port/link-port.js'
import { brokerErrorCodec } from './error-codecs.js'
import type { Exchange } from './exchange.js'
import { FailureForm, FRAME_HEADER_BYTES, FrameHeader, Tag } from './frame-layout.js'

/** A message of one context, as the sender numbers it. */
export type ChannelId = number

/** When frames leave. */
export interface OutboxOptions {
  /**
   * Frames under way, above which small ones are held back and gathered until the other side has worked one off.
   * Only for a side whose peer acknowledges every frame.
   */
  readonly maxFramesInFlight: number
  /** Received frames after which an acknowledgement is sent even when there is nothing else to say. */
  readonly acknowledgeEvery: number
  /** The room for a frame to begin with; it grows as needed. Default: that of a full frame. For links by the thousand. */
  readonly initialBytes?: number
}

/** A frame of this size leaves at once, whatever is under way: it keeps the other thread busy and memory bounded. */
const FULL_FRAME_BYTES = 64 * 1024

/**
 * So many requests, answers, or events whose outcome is waited for leave at once as well: the other thread goes on with
 * them while the rest is being worked on. Each further such frame of a turn is twice as large, so that a long turn does
 * not fall apart into small ones.
 */
const FIRST_AWAITED = 32

export class Outbox {
  readonly #port: LinkPort
  readonly #options: OutboxOptions
  readonly #onSent: () => void
  readonly #writer: ByteWriter
  #lastChannel: ChannelId = 0
  #scheduled = false
  #closed = false
  /** The channel of the events at the end of the frame, where their length stands, and where they end. */
  #runChannel: ChannelId = 0
  #runAt = 0
  #runEnd = 0
  /** The message being encoded, and where it begins. A codec or a getter runs then, and may not write into its midst. */
  #encoding: string | undefined
  #encodingFrom = 0
  /** Messages in the frame that somebody waits for, and how many of them make a frame full. */
  #awaited = 0
  #fullAwaited = FIRST_AWAITED
  /** Frames with messages that have been posted, and those of them that have not been worked off by the other side. */
  #posted = 0
  #inFlight = 0
  /** Frames that we worked off, of which the other side does not know yet. */
  #unreported = 0

  /** @param onSent called whenever a frame with messages has been posted or acknowledged. */
  constructor(port: LinkPort, options: OutboxOptions, onSent: () => void) {
    this.#port = port
    this.#options = options
    this.#onSent = onSent
    this.#writer = new ByteWriter(options.initialBytes ?? FULL_FRAME_BYTES + 4096)
    this.#writer.u32(0)
  }

  /** Whether something is waiting to leave or has not been worked off by the other side. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#hasMessages
  }

  /** How many frames there will have been once everything so far has left, and how many have been worked off. */
  get framesSoFar(): number {
    return this.#posted + (this.#hasMessages ? 1 : 0)
  }

  get workedOff(): number {
    return this.#posted - this.#inFlight
  }

  /** Whether a message is being encoded: a codec or a getter of it runs. */
  get encoding(): boolean {
    return this.#encoding !== undefined
  }

  /**
   * Numbers one message of one context, and tells the other side.
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
    this.#schedule()
    return id
  }

  /** Nothing more is sent through a channel: the other side may forget it. */
  endChannel(channel: ChannelId): void {
    this.#plain(Tag.channelEnd, channel)
  }

  /**
   * An event. Events of one channel that nothing comes between share a message.
   *
   * @throws BrokerError `notSendable` when the payload cannot be encoded; nothing is sent then
   */
  event(channel: ChannelId, exchange: Exchange, payload: unknown): void {
    this.#requireNotEncoding(exchange.name)
    const writer = this.#writer
    const start = writer.offset
    let lengthAt = this.#runAt
    if (start !== this.#runEnd || channel !== this.#runChannel) {
      writer.u8(Tag.event)
      writer.u32(channel)
      lengthAt = writer.offset
      writer.u32(0)
    }
    this.#body(start, 'payload', exchange.name, exchange.payload, payload)
    this.#runChannel = channel
    this.#runAt = lengthAt
    this.#runEnd = writer.offset
    writer.patchU32(lengthAt, writer.offset - lengthAt - 4)
    this.#schedule()
  }

  /** @throws BrokerError `notSendable` when the payload cannot be encoded; nothing is sent then. */
  signal(channel: ChannelId, exchange: Exchange, payload: unknown): void {
    this.#requireNotEncoding(exchange.name)
    const start = this.#writer.offset
    this.#writer.u8(Tag.signal)
    this.#writer.u32(channel)
    this.#body(start, 'payload', exchange.name, exchange.payload, payload)
    this.#schedule()
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
    // It comes from whoever subscribes or makes calls of their own; anything else must not spoil the frame.
    const traced = typeof traceparent === 'string'
    this.#writer.u8(traced ? Tag.tracedRequest : Tag.request)
    this.#writer.u32(channel)
    this.#writer.u32(call)
    if (traced) this.#writer.text(traceparent)
    this.#body(start, 'payload', exchange.name, exchange.payload, payload)
    this.awaited()
  }

  /** @throws BrokerError `notSendable` when the response cannot be encoded; nothing is sent then. */
  response(call: number, exchange: Exchange, response: unknown): void {
    this.#requireNotEncoding(exchange.name)
    const start = this.#writer.offset
    this.#writer.u8(Tag.response)
    this.#writer.u32(call)
    this.#body(start, 'response', exchange.name, exchange.response, response)
    this.awaited()
  }

  /** Somebody waits for what was written last. */
  awaited(): void {
    if (++this.#awaited < this.#fullAwaited) this.#schedule()
    else {
      const next = this.#fullAwaited * 2
      this.#flush(FrameHeader.early)
      this.#fullAwaited = next
    }
  }

  /** Sends an error; one that cannot be encoded arrives as a `BrokerError` which says so. */
  failure(call: number, exchange: Pick<Exchange, 'name' | 'error'>, error: unknown): void {
    if (this.#encoding !== undefined) {
      queueMicrotask(() => this.failure(call, exchange, error))
      return
    }
    try {
      this.#failure(call, exchange, error)
    } catch (notSendable) {
      this.#failure(call, exchange, notSendable)
    }
    this.#schedule()
  }

  /** Tells that signals of a channel have been handled. */
  handled(channel: ChannelId, count: number): void {
    this.#plain(Tag.handled, channel, count)
  }

  /** Tells whether the signals of a channel have a handler. */
  handler(channel: ChannelId, there: boolean): void {
    this.#plain(Tag.handler, channel, there ? 1 : 0)
  }

  cancel(call: number): void {
    this.#plain(Tag.cancel, call)
  }

  /** Frames of the other side have been worked off; tells it with the next frame, or on its own when due. */
  acknowledge(frames: number): void {
    this.#unreported += frames
    if (this.#unreported >= this.#options.acknowledgeEvery) this.#schedule()
  }

  /** The other side has worked off so many of our frames since it last said so. */
  acknowledged(frames: number): void {
    this.#inFlight = Math.max(0, this.#inFlight - frames)
    if (this.#hasMessages && !this.#scheduled) this.#flushIfRoom()
    this.#onSent()
  }

  /** Posts what is there, now. */
  flush(): void {
    this.#flush(0)
  }

  /** @param flag of the header */
  #flush(flag: number): void {
    this.#scheduled = false
    if (this.#closed) return
    if (this.#encoding !== undefined) {
      queueMicrotask(() => this.flush())
      return
    }
    const hasMessages = this.#hasMessages
    if (!hasMessages && this.#unreported < this.#options.acknowledgeEvery) return
    this.#writer.patchU32(0, this.#unreported | flag)
    this.#unreported = 0
    this.#awaited = 0
    this.#fullAwaited = FIRST_AWAITED
    if (hasMessages) {
      this.#posted++
      this.#inFlight++
    }
    this.#post()
    this.#writer.u32(0)
    if (hasMessages) this.#onSent()
  }

  /** Forgets the message being encoded, if any: the process ends within its codec or getter, and what precedes it can leave. */
  dropUnfinished(): void {
    if (this.#encoding === undefined) return
    this.#encoding = undefined
    this.#writer.rewind(this.#encodingFrom)
  }

  /** Sends nothing any more. */
  close(): void {
    this.#closed = true
    this.#writer.rewind(FRAME_HEADER_BYTES)
    this.#inFlight = 0
  }

  #post(): void {
    const writer = this.#writer
    this.#runEnd = 0
    const attached = writer.takeAttached()
    if (attached.length === 0 && this.#port.tryPost?.(writer.written(0, writer.offset))) {
      writer.clear()
      return
    }
    const messages = writer.take()
    const frame: Frame = attached.length === 0 ? messages : [messages, ...attached]
    this.#port.postMessage(frame, memoryOf(frame))
  }

  get #hasMessages(): boolean {
    return this.#writer.offset > FRAME_HEADER_BYTES
  }

  /** A message of numbers only. */
  #plain(tag: number, ...fields: number[]): void {
    if (this.#closed) return
    if (this.#encoding !== undefined) {
      queueMicrotask(() => this.#plain(tag, ...fields))
      return
    }
    this.#writer.u8(tag)
    for (const field of fields) this.#writer.u32(field)
    this.#schedule()
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
      const message = `the ${part} of "${name}" cannot be sent to another thread`
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

  #schedule(): void {
    if (this.#writer.size >= FULL_FRAME_BYTES) {
      this.flush()
      return
    }
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      if (!this.#scheduled) return
      this.#scheduled = false
      this.#flushIfRoom()
    })
  }

  #flushIfRoom(): void {
    if (this.#inFlight < this.#options.maxFramesInFlight) this.flush()
  }
}
