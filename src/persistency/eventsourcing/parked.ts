/** Owns reading the events that a subscription has put aside, page by page. */
import type { Result } from 'neverthrow'
import type { PersistencyError } from '../errors.js'
import type { Ask } from '../journal/ask.js'
import { decodeEvent } from '../journal/event-codec.js'
import type { ParkedEntry } from './message-payloads.js'
import { SubscriptionParked } from './messages.js'
import type { ParkedEvent } from './types.js'

const PAGE_EVENTS = 256

/** Pages of what is parked, in order, up to the first that cannot be read. */
export async function* readParked(
  ask: Ask,
  name: string
): AsyncGenerator<Result<readonly ParkedEntry[], PersistencyError>, void, undefined> {
  for (let after = 0; ; ) {
    const page = await ask(SubscriptionParked, { name, after, limit: PAGE_EVENTS }, {})
    yield page
    if (page.isErr() || page.value.length < PAGE_EVENTS) return
    after = page.value.at(-1)?.seq as number
  }
}

export function parkedEvent(entry: ParkedEntry): ParkedEvent {
  const { attempts, error, parkedAt } = entry
  return { event: decodeEvent(entry), attempts, error, parkedAt }
}
