/** Owns the checks on what is read in order: ranges, prefixes, scans and streams. */
import { err, ok } from 'neverthrow'
import { describeValue } from '../describe.js'
import { isKeyLike } from '../keys/key-parts.js'
import { type KeyRange, prefixRange } from '../keys/key-range.js'
import type { KvRangeQuery, KvScanQuery } from '../message-payloads.js'
import type { ReadOptions, StreamOptions } from '../types.js'
import { type Checked, refuse } from './checked.js'
import { unknownField } from './fields.js'
import { booleanValue, checkOptions, integerFrom, READ_CHECKS, unreadable } from './options.js'
import { checkCategory, checkKey, ownKey } from './rows.js'

/** A category and a range of it, or everything under a prefix. Errors: `ERR_CATEGORY`, `ERR_RANGE`. */
export function checkQuery(category: unknown, rangeOrPrefix: unknown): Checked<KvRangeQuery> {
  const error = checkCategory(category)
  if (error !== undefined) return err(error)
  try {
    const range = isKeyLike(rangeOrPrefix) ? prefixOf(rangeOrPrefix) : checkRange(rangeOrPrefix)
    return range.map((checked) => ({ category: category as string, range: checked }))
  } catch (cause) {
    return unreadable('ERR_RANGE', 'the range', cause)
  }
}

function prefixOf(given: unknown): Checked<KeyRange> {
  const prefix = ownKey(given)
  const error = checkKey(prefix, 'a prefix')
  return error === undefined ? ok(prefixRange(prefix)) : refuse('ERR_RANGE', error.message)
}

/** One whose start lies behind its stop is legal and holds no rows. Getters of the range may throw. */
function checkRange(range: unknown): Checked<KeyRange> {
  if (typeof range !== 'object' || range === null) return noRange(range)
  const wrong = wrongField(range)
  if (wrong !== undefined) return refuse('ERR_RANGE', wrong)
  if (!('start' in range)) return noRange(range)
  const { start: first, stop: end } = range as Partial<KeyRange>
  const start = ownKey(first)
  const stop = end === undefined ? undefined : ownKey(end)
  const error =
    checkKey(start, 'the start of a range') ??
    (stop === undefined ? undefined : checkKey(stop, 'the stop of a range'))
  if (error !== undefined) return refuse('ERR_RANGE', error.message)
  return ok(stop === undefined ? { start } : { start, stop })
}

function noRange(given: unknown): Checked<never> {
  const rule = 'a range must be { start: Key, stop?: Key } or a Key as a prefix'
  const made = 'made with key(...parts) or the key(...) of a table'
  return refuse('ERR_RANGE', `${rule}, ${made}; got ${describeValue(given)}`)
}

const RANGE_FIELDS = ['start', 'stop']

/** A stop that is misspelled would leave the range open. */
function wrongField(range: object): string | undefined {
  const wrong = unknownField('a range', range, RANGE_FIELDS)
  const options = wrong !== undefined && Object.keys(range).every((name) => OPTIONS.has(name))
  return options ? `${wrong}; options come behind the range, and key() is the range of all rows` : wrong
}

const SCAN_CHECKS = {
  reverse: booleanValue,
  limit: integerFrom(0),
  keysOnly: booleanValue,
  copy: booleanValue,
  ...READ_CHECKS
}
const STREAM_CHECKS = { ...SCAN_CHECKS, pageSize: integerFrom(1) }
/** What may be meant for the options of a scan, a stream or a watcher. */
const OPTIONS: ReadonlySet<string> = new Set([...Object.keys(STREAM_CHECKS), 'initial', 'maxBufferBytes'])

/** A scan as it was asked for: what goes to the storage, and what stays with the caller. */
export interface CheckedScan {
  readonly query: KvScanQuery
  readonly read: ReadOptions
  readonly copy: boolean
}

/** Errors: those of `checkQuery`, `ERR_OPTION`. */
export function checkScan(category: unknown, rangeOrPrefix: unknown, options: unknown): Checked<CheckedScan> {
  return scanOf(category, rangeOrPrefix, options, SCAN_CHECKS)
}

/** As `checkScan`, with the size of a page. */
export function checkStream(
  category: unknown,
  rangeOrPrefix: unknown,
  options: unknown
): Checked<CheckedScan & Pick<StreamOptions, 'pageSize'>> {
  return scanOf(category, rangeOrPrefix, options, STREAM_CHECKS)
}

function scanOf(
  category: unknown,
  rangeOrPrefix: unknown,
  options: unknown,
  checks: typeof SCAN_CHECKS
): Checked<CheckedScan & Pick<StreamOptions, 'pageSize'>> {
  const where = checkQuery(category, rangeOrPrefix)
  if (where.isErr()) return err(where.error)
  return checkOptions<StreamOptions>(options, checks).map(
    ({ timeoutMs, signal, copy = false, pageSize, ...how }) => ({
      query: { ...where.value, ...how },
      read: { timeoutMs, signal },
      copy,
      pageSize
    })
  )
}
