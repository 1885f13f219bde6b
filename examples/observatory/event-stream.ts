/**
 * Owns the readers of a stream of Server-Sent Events. A reader that cannot keep up is not queued for: it misses
 * messages, and gets the whole picture again when it has caught up, so that what is held for it stays bounded.
 */
import type { ServerResponse } from 'node:http'

export interface EventStreamOptions {
  /** What a reader has to know before it can follow: the first message, and the first after a gap. */
  readonly snapshot: () => unknown
  /** Default 16. */
  readonly maxReaders?: number
  /** A reader that takes nothing for so long is let go. Default 30 000. */
  readonly patienceMs?: number
}

interface Reader {
  readonly response: ServerResponse
  /** When its buffers filled up, in milliseconds; `undefined` while it keeps up. */
  fullSince: number | undefined
  missed: boolean
}

export class EventStream {
  readonly #readers = new Set<Reader>()
  readonly #snapshot: () => unknown
  readonly #maxReaders: number
  readonly #patienceMs: number

  constructor({ snapshot, maxReaders = 16, patienceMs = 30_000 }: EventStreamOptions) {
    this.#snapshot = snapshot
    this.#maxReaders = maxReaders
    this.#patienceMs = patienceMs
  }

  get readers(): number {
    return this.#readers.size
  }

  /** Bytes that are held for readers that have not taken them. */
  get heldBytes(): number {
    let held = 0
    for (const { response } of this.#readers) held += response.writableLength
    return held
  }

  /** Takes a response over; answers `false`, and leaves it alone, when there are too many readers. */
  add(response: ServerResponse): boolean {
    if (this.#readers.size >= this.#maxReaders) return false
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
    const reader: Reader = { response, fullSince: undefined, missed: false }
    this.#readers.add(reader)
    response.on('drain', () => this.#drained(reader))
    response.on('close', () => this.#readers.delete(reader))
    this.#write(reader, `retry: 1000\n${message('snapshot', this.#snapshot())}`)
    return true
  }

  /** Sends a message to every reader that keeps up. */
  send(name: string, data: unknown): void {
    if (this.#readers.size === 0) return
    const text = message(name, data)
    for (const reader of this.#readers) {
      if (reader.fullSince === undefined) this.#write(reader, text)
      else if (performance.now() - reader.fullSince > this.#patienceMs) reader.response.destroy()
      else reader.missed = true
    }
  }

  close(): void {
    for (const { response } of this.#readers) response.destroy()
  }

  #drained(reader: Reader): void {
    reader.fullSince = undefined
    if (!reader.missed) return
    reader.missed = false
    this.#write(reader, message('snapshot', this.#snapshot()))
  }

  #write(reader: Reader, text: string): void {
    if (!reader.response.write(text)) reader.fullSince = performance.now()
  }
}

/** JSON has no line breaks of its own, so a message is one line of data. */
function message(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
