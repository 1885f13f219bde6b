/**
 * Owns when a frame leaves: what is written in one turn leaves together, unless the frame is full, many messages in it are
 * waited for, or too many frames are under way. Knows nothing of what the messages are.
 */
import { ByteWriter } from '../../bytes/byte-writer.js'
import { queueMicrotask } from '../../runtime/event-loop.js'
import { type Frame, memoryOf } from '../port/frame.js'
import type { LinkPort } from '../port/link-port.js'
import { FRAME_HEADER_BYTES, FrameHeader } from './frame-layout.js'

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

export class FrameSender {
  /** The frame that leaves next. */
  readonly writer: ByteWriter
  readonly #port: LinkPort
  readonly #options: OutboxOptions
  readonly #isWhole: () => boolean
  readonly #onSent: () => void
  #scheduled = false
  #closed = false
  /** Messages in the frame that somebody waits for, and how many of them make a frame full. */
  #awaited = 0
  #fullAwaited = FIRST_AWAITED
  /** Frames with messages that have been posted, and those of them that have not been worked off by the other side. */
  #posted = 0
  #inFlight = 0
  /** Frames that we worked off, of which the other side does not know yet. */
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

  /** Whether something is waiting to leave or has not been worked off by the other side. */
  get busy(): boolean {
    return this.#inFlight > 0 || this.#hasMessages
  }

  /** How many frames with messages have left. */
  get posted(): number {
    return this.#posted
  }

  /** How many frames there will have been once everything so far has left. */
  get framesSoFar(): number {
    return this.#posted + (this.#hasMessages ? 1 : 0)
  }

  /** How many frames the other side has worked off. */
  get workedOff(): number {
    return this.#posted - this.#inFlight
  }

  /** A message has been written: it leaves at the end of the turn, or at once in a full frame. */
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

  /** As `schedule`, for a message that somebody waits for. */
  awaited(): void {
    if (++this.#awaited < this.#fullAwaited) this.schedule()
    else {
      const next = this.#fullAwaited * 2
      this.#flush(FrameHeader.early)
      this.#fullAwaited = next
    }
  }

  /** Frames of the other side have been worked off; tells it with the next frame, or on its own when due. */
  acknowledge(frames: number): void {
    this.#unreported += frames
    if (this.#unreported >= this.#options.acknowledgeEvery) this.schedule()
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

  /** Sends nothing any more. */
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
    this.#post()
    this.writer.u32(0)
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
    this.#port.postMessage(frame, memoryOf(frame))
  }
}
