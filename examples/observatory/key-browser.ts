/** Owns reading one page of rows for people. Never writes, and never opens a job. */
import { err, ok, Result } from 'neverthrow'
import {
  type Key,
  type KeyRange,
  type KvRow,
  keyFromHex,
  type Persistency,
  PersistencyError,
  rangeAfter
} from 'persistency'
import { parsePrefix, readKey } from './key-text.js'
import { hex, preview, visible } from './printable.js'
import type { KeyPage, ShownRow } from './wire.js'

const PAGE_ROWS = 50
/** A page ends early when its rows hold so much: they may be large, and only their beginnings are shown. */
const PAGE_BYTES = 1024 * 1024
const PREVIEW_BYTES = 1024
const MAX_SHOWN_KEY_BYTES = 1024
const PATIENCE_MS = 3000

/** Why there is no page: a status of HTTP, and a message for people. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

/** The rows of `job` and `category` whose key starts with `prefix`, behind the key `after` of the page before. */
export async function readPage(
  persistency: Persistency,
  query: URLSearchParams,
  signal: AbortSignal
): Promise<Result<KeyPage, Refusal>> {
  const job = persistency.job(query.get('job') ?? '')
  if (job.isErr()) return err({ status: 404, message: 'This tenant is not open.' })
  const prefix = parsePrefix(query.get('prefix') ?? '')
  if (prefix.isErr())
    return err({ status: 400, message: `This prefix cannot be read: ${visible(prefix.error)}.` })
  const range = Result.fromThrowable(rangeFrom)(prefix.value, query.get('after'))
  if (range.isErr()) return err({ status: 400, message: 'The key to go on from is not hex.' })
  if (range.value === undefined) return ok({ rows: [], next: null })
  try {
    const rows = job.value.stream(query.get('category') ?? '', range.value, {
      pageSize: PAGE_ROWS + 1,
      limit: PAGE_ROWS + 1,
      timeoutMs: PATIENCE_MS,
      signal
    })
    return ok(await gather(rows))
  } catch (error) {
    if (!PersistencyError.is(error)) return err({ status: 500, message: 'The rows cannot be shown.' })
    const status = error.kind === 'invalidArgument' ? 400 : 503
    return err({ status, message: visible(`${error.code}: ${error.message}`, 300) })
  }
}

/** What is left behind the key that somebody sends; throws when it is none. */
function rangeFrom(prefix: Key, after: string | null): KeyRange | Key | undefined {
  return after === null ? prefix : rangeAfter(prefix, keyFromHex(after))
}

async function gather(stream: AsyncIterable<KvRow>): Promise<KeyPage> {
  const rows: ShownRow[] = []
  let held = 0
  let last: string | undefined
  for await (const row of stream) {
    if (last !== undefined && (rows.length === PAGE_ROWS || held > PAGE_BYTES)) return { rows, next: last }
    held += row.key.length + row.payload.length
    last = String(row.key)
    rows.push(shown(row))
  }
  return { rows, next: null }
}

function shown({ key, payload }: KvRow): ShownRow {
  return {
    parts: readKey(key.bytes),
    keyHex: hex(key.bytes.subarray(0, MAX_SHOWN_KEY_BYTES)),
    keyBytes: key.length,
    payload: preview(payload, PREVIEW_BYTES),
    payloadBytes: payload.length
  }
}
