/** Owns reading the events of a journal in order, up to what is there or on and on. */
import { PagedStream } from '../reading/paged-stream.js'
import { decodeEvent } from './event-codec.js'
import { type EventPagesParts, readEventPages } from './event-pages.js'
import type { CaughtUp, EventsOptions, JournalEvent } from './types.js'

/**
 * Events of a journal: iterate it with `for await`, or take its Observable. Each iteration and each subscription reads
 * for itself, page by page, and holds one page: a slow reader is behind, it makes nobody wait and nothing pile up. What is
 * handed out is nobody else's, also when its page was read for several.
 */
export class EventStream<Item extends JournalEvent | CaughtUp = JournalEvent> extends PagedStream<Item> {
  /** Made by `Job.events`. @internal */
  constructor(options: EventsOptions | undefined, parts: EventPagesParts) {
    super((signal) => readItems(options, signal, parts), options)
  }
}

async function* readItems<Item>(
  options: EventsOptions | undefined,
  signal: EventsOptions['signal'],
  parts: EventPagesParts
): AsyncGenerator<readonly Item[], void, undefined> {
  for await (const page of readEventPages(options, signal, parts)) {
    if ('kind' in page) yield [page as Item]
    else yield page.take().map((event) => decodeEvent(event) as Item)
  }
}
