/** Owns one connection between the hubs of two threads. Both sides run the same code. */
import type { BrokerContext } from '../../brokers/context.js'
import { type BrokerHub, OutcomeAwaited } from '../../brokers/hub.js'
import { ByteReader } from '../../bytes/byte-reader.js'
import { attachedTo, bytesOf, type Frame, isFrame, messagesOf } from '../port/frame.js'
import type { LinkPort } from '../port/link-port.js'
import type { Wakefulness } from '../port/wakefulness.js'
import type { Routes } from './carried.js'
import { FrameHeader, Tag } from './frame-layout.js'
import { FrameSender, type OutboxOptions } from './frame-sender.js'
import { Inbound } from './inbound.js'
import { Outbound } from './outbound.js'
import { Outbox } from './outbox.js'

export interface LinkOptions extends OutboxOptions {
  /** Requests that may wait for the other side; more are refused with `overloaded`. Default no limit. */
  readonly maxPendingRequests?: number
  /** Called when work begins to be under way, and when none is any more. */
  readonly onBusy?: (busy: boolean) => void
  /** Called when the other side sent something that cannot be read, after the link has closed itself. */
  readonly onFault?: (fault: unknown) => void
  /** Called with values from the port that are no frames. */
  readonly onOther?: (value: unknown) => void
  /**
   * What is delivered under this name is not sent through a link of the same name: for links that reach the same threads in
   * other ways. Default: the link itself.
   */
  readonly origin?: unknown
  /** Takes the next value that has arrived on the port, if any; frames taken so are handled in one turn with the first. */
  readonly takeNext?: () => unknown
  /** Keeps this thread awake while callers wait for the other side. @internal */
  readonly wakefulness?: Wakefulness
}

/** Up to this size, frames are handled in one turn: the work at its end is done once for all their messages. */
const TURN_BYTES = 4 * 1024 * 1024

/**
 * Carries chosen messages of chosen contexts between two threads. All messages of one turn leave in one binary frame;
 * their order is kept across all contexts and kinds of messages.
 */
export class Link {
  readonly #port: LinkPort
  readonly #hub: BrokerHub
  readonly #options: LinkOptions
  readonly #frames: FrameSender
  readonly #outbox: Outbox
  readonly #outbound: Outbound
  readonly #inbound: Inbound
  readonly #unroutes = new Set<() => void>()
  /** Callers of `drained`, each with the number of frames that must have been worked off, in ascending order. */
  readonly #drained: { readonly frames: number; readonly resolve: () => void }[] = []
  #busy = false
  #closed = false
  #takingIn = false
  /** Whether work continues after the turn that brought it, and how many frames are acknowledged when it ends. */
  #held = false
  #heldFrames = 0
  /** Whether a caller waits for the outcome of events that were sent. */
  #outcomeAwaited = false

  constructor(port: LinkPort, hub: BrokerHub, options: LinkOptions) {
    const onChange = (): void => this.#checkBusy()
    const maxPendingRequests = options.maxPendingRequests ?? Number.POSITIVE_INFINITY
    this.#port = port
    this.#hub = hub
    this.#options = options
    const isWhole = (): boolean => !this.#outbox.encoding
    this.#frames = new FrameSender(port, options, isWhole, () => this.#onSent())
    this.#outbox = new Outbox(this.#frames)
    const origin = options.origin ?? this
    const sending = { hub, frames: this.#frames, outbox: this.#outbox, origin }
    this.#outbound = new Outbound({ ...sending, maxPendingRequests, onChange })
    this.#inbound = new Inbound(hub, this.#outbox, origin)
    port.on('message', this.#onMessage)
    port.on('messageerror', this.#onUnreadable)
  }

  /** Whether requests of either side are under way. */
  get busy(): boolean {
    return this.#inbound.pending > 0 || this.#outbound.pending > 0
  }

  /**
   * Carries the messages of a context until the returned function is called or the link is closed.
   *
   * @throws BrokerError `alreadyProvided` or `alreadyHandled` when this side has a provider or handler of a request or
   *   signal that is to be sent; nothing is routed then
   */
  route(context: BrokerContext, routes: Routes): () => void {
    const undo: (() => void)[] = []
    const unroute = (): void => {
      this.#unroutes.delete(unroute)
      for (const step of undo.splice(0)) step()
    }
    this.#unroutes.add(unroute)
    try {
      for (const message of routes.send) undo.push(this.#outbound.send(context, message, routes.unlimited))
    } catch (error) {
      unroute()
      throw error
    }
    for (const message of routes.receive) undo.push(this.#inbound.receive(context, message))
    const { wakefulness } = this.#options
    if (wakefulness !== undefined && routes.send.length > 0) undo.push(this.#watchOutcomes(context))
    return unroute
  }

  /** Posts at once what has not left yet. */
  flush(): void {
    this.#frames.flush()
  }

  /** Forgets a message that is being encoded: the process ends, and it will not be finished. @internal */
  dropUnfinished(): void {
    this.#outbox.dropUnfinished()
  }

  /** Resolves when the other side has worked off everything sent so far, or the link is closed. */
  drained(): Promise<void> {
    if (this.#closed || !this.#frames.busy) return Promise.resolve()
    const { framesSoFar: frames } = this.#frames
    return new Promise((resolve) => this.#drained.push({ frames, resolve }))
  }

  /** Handles a value from the port. A frame that cannot be read breaks the link. */
  take(value: unknown): void {
    if (this.#closed) return
    try {
      if (isFrame(value)) this.#takeTurn(value)
      else this.#options.onOther?.(value)
    } catch (fault) {
      this.#onUnreadable(fault)
    }
  }

  /** Delays the acknowledgement of the frames being handled until the work on them is done. */
  holdAcknowledgement(): void {
    if (this.#takingIn) this.#held = true
  }

  /** To be called after work outside of a turn: posts what it sent and, unless it continues, acknowledges the held frames. */
  afterWork(goesOn: boolean): void {
    if (this.#held && !goesOn) {
      this.#frames.acknowledge(this.#heldFrames)
      this.#held = false
      this.#heldFrames = 0
    }
    this.#frames.flush()
  }

  /** Stops carrying; every request under way ends with `disconnected`. Repeating it is harmless. */
  close(reason: string, cause?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#port.off('message', this.#onMessage)
    this.#port.off('messageerror', this.#onUnreadable)
    this.#frames.close()
    for (const unroute of [...this.#unroutes]) unroute()
    this.#outbound.disconnect(reason, cause)
    this.#inbound.disconnect()
    this.#checkBusy()
  }

  readonly #onMessage = (value: unknown): void => this.take(value)

  readonly #onUnreadable = (fault: unknown): void => {
    this.close('a frame of the other thread could not be read', fault)
    this.#options.onFault?.(fault)
  }

  /** Handles a frame, and those that have arrived behind it, in one turn. */
  #takeTurn(first: Frame): void {
    let acknowledged = 0
    let frames = 0
    let other: unknown
    this.#takingIn = true
    this.#hub.turns.run(() => {
      let bytes = 0
      for (let value: unknown = first; value !== undefined; ) {
        if (!isFrame(value)) {
          other = value
          return
        }
        const reader = new ByteReader(messagesOf(value), attachedTo(value))
        const header = reader.u32()
        acknowledged += header & FrameHeader.acknowledged
        if (!reader.done) frames++
        while (!reader.done) this.#message(reader)
        bytes += bytesOf(value)
        const goesOn = bytes < TURN_BYTES && (header & FrameHeader.early) === 0
        value = goesOn ? this.#options.takeNext?.() : undefined
      }
    })
    this.#takingIn = false
    if (this.#held) this.#heldFrames += frames
    else if (frames > 0) this.#frames.acknowledge(frames)
    this.#frames.acknowledged(acknowledged)
    this.#options.wakefulness?.received(this.#isAwaited())
    // The answers that were ready at the end of the turn leave in one frame.
    if (this.#options.acknowledgeEvery === 1) this.#frames.flush()
    if (other !== undefined) this.#options.onOther?.(other)
  }

  #message(reader: ByteReader): void {
    const tag = reader.u8()
    if (tag === Tag.event) this.#inbound.events(reader)
    else if (tag === Tag.request) this.#inbound.request(reader, false)
    else if (tag === Tag.tracedRequest) this.#inbound.request(reader, true)
    else if (tag === Tag.response || tag === Tag.failure) this.#outbound.answer(reader, tag)
    else if (tag === Tag.signal) this.#inbound.signal(reader)
    else if (tag === Tag.handled) this.#outbound.handled(reader)
    else if (tag === Tag.handler) this.#outbound.handler(reader)
    else if (tag === Tag.cancel) this.#inbound.cancel(reader)
    else if (tag === Tag.channel) this.#inbound.openChannel(reader)
    else if (tag === Tag.channelEnd) this.#inbound.endChannel(reader)
    else throw new RangeError(`unknown message tag ${tag} in a frame`)
  }

  #watchOutcomes(context: BrokerContext): () => void {
    const awaited = (): void => {
      this.#outcomeAwaited = true
      this.#frames.awaited()
    }
    const watching = this.#hub.listen(context, OutcomeAwaited, awaited, { internal: true })
    return () => void watching.drop()
  }

  /** Whether a caller waits for the other side; none does once that has worked everything off. */
  #isAwaited(): boolean {
    if (!this.#frames.busy) this.#outcomeAwaited = false
    return this.#outcomeAwaited || this.#outbound.pending > 0
  }

  /** A frame has left, or was worked off by the other side. */
  #onSent(): void {
    const { wakefulness } = this.#options
    if (wakefulness !== undefined && this.#isAwaited()) wakefulness.awaits()
    this.#checkBusy()
  }

  get #nextDrained(): number {
    return this.#drained[0]?.frames ?? 0
  }

  #checkBusy(): void {
    while (this.#drained.length > 0 && (this.#closed || this.#frames.workedOff >= this.#nextDrained)) {
      this.#drained.shift()?.resolve()
    }
    const busy = !this.#closed && (this.#outbound.pending > 0 || this.#frames.busy)
    if (busy === this.#busy) return
    this.#busy = busy
    this.#options.onBusy?.(busy)
  }
}
