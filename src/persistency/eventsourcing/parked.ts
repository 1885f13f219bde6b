/** Owns reading the events that a subscription has put aside, page by page. */
import { err, ok, type Result } from 'neverthrow'
import type { Ask } from '../ask.js'
import { PersistencyError } from '../errors.js'
import { decodeEvent } from '../journal/event-codec.js'
import type { ParkedEntry } from './message-payloads.js'
import { SubscriptionParked } from './messages.js'
import type { ParkedEvent } from './types.js'

const PAGE_EVENTS = 256
const PAGE_BYTES = 1024 * 1024

type Page = Result<readonly ParkedEntry[], PersistencyError>

/** What is parked, page by page. */
export type ParkedPages = AsyncGenerator<Page, void, undefined>

/** Pages of what is parked, in order, up to the first that cannot be read. */
export async function* readParked(ask: Ask, name: string): ParkedPages {
  for (let after = 0; ; ) {
    const query = { name, after, limit: PAGE_EVENTS, maxBytes: PAGE_BYTES }
    const page = await ask(SubscriptionParked, query, {})
    const last = page.isOk() ? page.value.at(-1) : undefined
    if (page.isErr() || last !== undefined) yield page
    if (last === undefined) return
    after = last.seq
  }
}

/** The page that holds one parked event, or nothing when it is not parked. */
export async function* readOneParked(ask: Ask, name: string, seq: number): ParkedPages {
  const page = await ask(SubscriptionParked, { name, after: seq - 1, limit: 1, maxBytes: PAGE_BYTES }, {})
  yield page.map((entries) => entries.filter((entry) => entry.seq === seq))
}

/** Everything that is parked. Errors: `ERR_JOURNAL` for what cannot be read, those of reading. */
export async function allParked(
  ask: Ask,
  name: string
): Promise<Result<readonly ParkedEvent[], PersistencyError>> {
  const found: ParkedEvent[] = []
  try {
    for await (const page of readParked(ask, name)) {
      if (page.isErr()) return err(page.error)
      found.push(...page.value.map(parkedEvent))
    }
  } catch (thrown) {
    if (thrown instanceof PersistencyError) return err(thrown)
    throw thrown
  }
  return ok(found)
}

function parkedEvent(entry: ParkedEntry): ParkedEvent {
  const { attempts, error, parkedAt } = entry
  return { event: decodeEvent(entry), attempts, error, parkedAt }
}
