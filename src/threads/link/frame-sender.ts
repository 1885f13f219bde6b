/**
 * Owns when a frame leaves: at the end of the turn, earlier when it is full or the other side waits for many of its messages,
 * later while too many frames are under way. Knows nothing of the messages in it.
 */
import { ByteWriter } from '../../bytes/byte-writer.js'
import { queueMicrotask } from '../../runtime/event-loop.js'
import { type Frame, memoryOf } from '../port/frame.js'
import type { LinkPort } from '../port/link-port.js'
import { FRAME_HEADER_BYTES, FrameHeader } from './frame-layout.js'

/** When frames leave. */
export interface OutboxOptions {
  /**
   * While this many frames are under way, messages are gathered in the next one until the other side has worked one off.
   * Only for a side whose peer acknowledges every frame.
   */
  readonly maxFramesInFlight: number
  /** After this many received frames an acknowledgement is sent even when there is nothing else to send. */
  readonly acknowledgeEvery: number
  /** Initial size of the buffer, which grows as needed. Default: a full frame. Smaller where there are thousands of links. */
  readonly initialBytes?: number
}

/** A frame of this size leaves at once, whatever is under way: that keeps the other thread busy and bounds memory. */
const FULL_FRAME_BYTES = 64 * 1024

/**
 * A frame with this many requests, answers, or events with an awaited outcome leaves at once as well: the other thread works
 * on them while this one writes more. Each further such frame of a turn holds twice as many, so that a long turn does not
 * end up in many small frames.
 */
const FIRST_AWAITED = 32

export class FrameSender {
  /** The frame that leaves next. */
  readonly writer: ByteWriter
  readonly #port: LinkPort
  readonly #options: OutboxOptions
  readonly #isWhole: () => boolean
  readonly #onSent: () => void
  #scheduled = false
  #closed = false
  /** Awaited messages in the frame, and how many of them make it leave. */
  #awaited = 0
  #fullAwaited = FIRST_AWAITED
  /** Frames with messages that have been posted, and how many of them the other side has not worked off. */
  #posted = 0
  #inFlight = 0
  /** Received frames that were worked off and are still to be acknowledged. */
  #unreported = 0

  /**
   * @param isWhole whether the last message of the frame is complete; the frame does not leave before
   * @param onSent called whenever a frame with messages has been posted or acknowledged
   */
  constructor(port: LinkPort, options: OutboxOptions, isWhole: () => boolean, onSent: () => void) {
    this.#port = port
    this.#options = options
    this.#isWhole = isWhole
    this.#onSent = onSent
    this.writer = new ByteWriter(options.initialBytes ?? FULL_FRAME_BYTES + 4096)
    this.writer.u32(0)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Whether there are messages that have not left, or that the other side has not worked off. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#hasMessages
  }

  /** How many frames with messages have left. */
  get posted(): number {
    return this.#posted
  }

  /** As `posted`, with the frame that is being written, if it has messages. */
  get framesSoFar(): number {
    return this.#posted + (this.#hasMessages ? 1 : 0)
  }

  /** How many frames the other side has worked off. */
  get workedOff(): number {
    return this.#posted - this.#inFlight
  }

  /** To be called after each message: has it leave at the end of the turn, or at once when the frame is full. */
  schedule(): void {
    if (this.writer.size >= FULL_FRAME_BYTES) {
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

  /** As `schedule`, for a message whose answer or outcome is awaited. */
  awaited(): void {
    if (++this.#awaited < this.#fullAwaited) this.schedule()
    else {
      const next = this.#fullAwaited * 2
      this.#flush(FrameHeader.early)
      this.#fullAwaited = next
    }
  }

  /** Frames of the other side have been worked off: acknowledges them with the next frame, or on their own when due. */
  acknowledge(frames: number): void {
    this.#unreported += frames
    if (this.#unreported >= this.#options.acknowledgeEvery) this.schedule()
  }

  /** The other side has acknowledged this many frames. */
  acknowledged(frames: number): void {
    this.#inFlight = Math.max(0, this.#inFlight - frames)
    if (this.#hasMessages && !this.#scheduled) this.#flushIfRoom()
    this.#onSent()
  }

  /** Posts the frame now. */
  flush(): void {
    this.#flush(0)
  }

  /** Ends sending; what has not left is dropped. */
  close(): void {
    this.#closed = true
    this.writer.rewind(FRAME_HEADER_BYTES)
    this.#inFlight = 0
  }

  get #hasMessages(): boolean {
    return this.writer.offset > FRAME_HEADER_BYTES
  }

  #flushIfRoom(): void {
    if (this.#inFlight < this.#options.maxFramesInFlight) this.flush()
  }

  /** @param flag of the header */
  #flush(flag: number): void {
    this.#scheduled = false
    if (this.#closed) return
    if (!this.#isWhole()) {
      queueMicrotask(() => this.flush())
      return
    }
    const hasMessages = this.#hasMessages
    if (!hasMessages && this.#unreported < this.#options.acknowledgeEvery) return
    this.writer.patchU32(0, this.#unreported | flag)
    this.#unreported = 0
    this.#awaited = 0
    this.#fullAwaited = FIRST_AWAITED
    if (hasMessages) {
      this.#posted++
      this.#inFlight++
    }
    try {
      this.#post()
    } finally {
      this.writer.u32(0)
    }
    if (hasMessages) this.#onSent()
  }

  #post(): void {
    const writer = this.writer
    const attached = writer.takeAttached()
    if (attached.length === 0 && this.#port.tryPost?.(writer.written(0, writer.offset))) {
      writer.clear()
      return
    }
    const messages = writer.take()
    const frame: Frame = attached.length === 0 ? messages : [messages, ...attached]
    try {
      this.#port.postMessage(frame, memoryOf(frame))
    } catch {
      // Memory that cannot be given away, such as that of WebAssembly. None of the rest was: all of it is copied.
      this.#port.postMessage(frame, [])
    }
  }
}
