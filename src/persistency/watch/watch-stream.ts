/** Owns what `Job.watch` answers: something to iterate, or to subscribe to. */

import { checkQuery } from '../checks/ranges.js'
import type { KeyRange } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import { PagedStream } from '../reading/paged-stream.js'
import { checkWatchOptions } from './checks.js'
import type { WatchItem, WatchOptions } from './types.js'
import { type WatchParts, watchItems } from './watch-items.js'

/**
 * Committed changes of a range: iterate it with `for await`, or take its Observable. Each iteration and each
 * subscription watches for itself, from its first `next` on, and frees everything when it ends.
 */
export class WatchStream extends PagedStream<WatchItem> {
  /** Made by `Job.watch`. @internal */
  constructor(category: string, range: KeyRange | Key, options: WatchOptions | undefined, parts: WatchParts) {
    super((signal) => readItems(category, range, options, signal, parts), options)
  }
}

async function* readItems(
  category: string,
  range: KeyRange | Key,
  options: WatchOptions | undefined,
  signal: WatchOptions['signal'],
  parts: WatchParts
): AsyncGenerator<readonly WatchItem[], void, undefined> {
  const query = checkQuery(category, range)
  if (query.isErr()) throw query.error
  const checked = checkWatchOptions(options)
  if (checked.isErr()) throw checked.error
  yield* watchItems(query.value, checked.value, signal, parts)
}
