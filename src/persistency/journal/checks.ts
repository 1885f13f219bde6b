/** Owns the checks on what callers pass to the journal. What passes is a clean copy, as in `checks/`. */
import { err, ok, type Result } from 'neverthrow'
import { isDetached } from '../../bytes/detached.js'
import { plainBytes } from '../../bytes/length-of.js'
import { checkReadOptions } from '../checks/call-options.js'
import { unknownField } from '../checks/fields.js'
import { checkOps } from '../checks/operations.js'
import {
  anything,
  booleanValue,
  checkName,
  checkOptions,
  functionValue,
  integerFrom,
  nameText,
  READ_CHECKS,
  unreadable
} from '../checks/options.js'
import { describeValue } from '../describe.js'
import { PersistencyError } from '../errors.js'
import { isUint8Array } from '../keys/key-parts.js'
import { eventBytesOf, MAX_EVENT_BYTES, recordedBytesOf } from '../size-limits.js'
import type { ReadOptions, TxOp } from '../types.js'
import type { JournalAppendQuery } from './message-payloads.js'
import type {
  AppendOptions,
  CompareOptions,
  EventMetadata,
  EventsOptions,
  FindAppendOptions,
  NewEvent
} from './types.js'

type Checked<T> = Result<T, PersistencyError>

const EVENTS_CHECKS = {
  ...READ_CHECKS,
  from: integerFrom(1),
  to: integerFrom(0),
  stream: nameText,
  live: booleanValue,
  pageSize: integerFrom(1)
}
const FIND_CHECKS = { ...READ_CHECKS, stream: nameText }
const APPEND_CHECKS = {
  ...READ_CHECKS,
  stream: nameText,
  expectedSeq: expectedSeq,
  // What is wrong with these has codes of its own.
  ops: anything,
  metadata: anything,
  idempotencyKey: nameText
}

/** Errors: `ERR_OPTION`. */
export function checkEventsOptions(options: unknown): Checked<EventsOptions> {
  return checkOptions(options, EVENTS_CHECKS)
}

/** Errors: `ERR_OPTION`. */
export function checkStreamSeq(stream: unknown, options: unknown): Checked<ReadOptions> {
  const wrong = checkName('the name of a stream', stream)
  return wrong === undefined ? checkReadOptions(options) : err(wrong)
}

/** Errors: `ERR_OPTION`. */
export function checkFindAppend(key: unknown, options: unknown): Checked<FindAppendOptions> {
  const wrong = checkName('an idempotency key', key)
  return wrong === undefined ? checkOptions(options, FIND_CHECKS) : err(wrong)
}

/** Errors: `ERR_OPTION`. */
export function checkCompareOptions(options: unknown): Checked<CompareOptions> {
  return checkOptions(options, { ...READ_CHECKS, onProgress: functionValue })
}

/** A sequence number of which the state is wanted; 0 is the state before the first event. Errors: `ERR_SEQ`. */
export function checkSeq(seq: unknown): Checked<number> {
  if (Number.isSafeInteger(seq) && (seq as number) >= 0) return ok(seq as number)
  const message = `a sequence number is an integer of at least 0; got ${describeValue(seq)}`
  return err(new PersistencyError('ERR_SEQ', message))
}

/** What is to be appended, and how long to wait. Errors: `ERR_EVENT`, `ERR_OPTION` and those of operations. */
export function checkAppend(
  events: unknown,
  options: unknown
): Checked<{ readonly query: JournalAppendQuery; readonly patience: ReadOptions }> {
  const checked = checkOptions<AppendOptions>(options, APPEND_CHECKS)
  if (checked.isErr()) return err(checked.error)
  const { stream, expectedSeq: expected = 'any', idempotencyKey, timeoutMs, signal } = checked.value
  if (stream === undefined && expected !== 'any') {
    return err(new PersistencyError('ERR_OPTION', 'option "expectedSeq" needs a stream'))
  }
  const ops = checkOps(checked.value.ops ?? [])
  if (ops.isErr()) return err(ops.error)
  const patience = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
  return checkEvents(events, checked.value.metadata)
    .andThen((clean) => checkSizes(clean, stream, ops.value))
    .map((clean) => ({
      query: { events: clean, stream, expectedSeq: expected, ops: ops.value, idempotencyKey },
      patience
    }))
}

type CleanEvents = JournalAppendQuery['events']

/** Each event is stored as one value, the last one with the operations. */
function checkSizes(
  events: CleanEvents,
  stream: string | undefined,
  ops: readonly TxOp[]
): Checked<CleanEvents> {
  for (const [index, event] of events.entries()) {
    const withOps = index === events.length - 1 && ops.length > 0
    const bytes = eventBytesOf(event, stream) + (withOps ? recordedBytesOf(ops) : 0)
    if (bytes <= MAX_EVENT_BYTES) continue
    const what = `event ${index} of ${events.length}${withOps ? ', with the operations,' : ''}`
    return refuse(
      `an event holds at most ${MAX_EVENT_BYTES} bytes; ${what} has ${bytes}; append them in parts`
    )
  }
  return ok(events)
}

function checkEvents(input: unknown, shared: unknown): Checked<CleanEvents> {
  try {
    const list: unknown[] = Array.isArray(input) ? input : [input]
    if (list.length === 0) return refuse('there is no event to append')
    const common = readMetadata(shared)
    return ok(list.map((event) => readEvent(event, common)))
  } catch (thrown) {
    if (thrown instanceof PersistencyError) return err(thrown)
    return unreadable('ERR_EVENT', 'the events', thrown)
  }
}

const EVENT_FIELDS = ['type', 'data', 'metadata']

function readEvent(input: unknown, shared: EventMetadata): CleanEvents[number] {
  if (typeof input !== 'object' || input === null) {
    throw notAnEvent(`an event must be an object with a type; got ${describeValue(input)}`)
  }
  const wrong = unknownField('an event', input, EVENT_FIELDS)
  if (wrong !== undefined) throw notAnEvent(wrong)
  const { type, data = new Uint8Array(0), metadata } = input as Partial<NewEvent>
  if (typeof type !== 'string' || type === '' || !type.isWellFormed()) {
    throw notAnEvent(
      `the type of an event must be a non-empty, well-formed string; got ${describeValue(type)}`
    )
  }
  return { type, data: readData(type, data), metadata: { ...shared, ...readMetadata(metadata) } }
}

function readData(type: string, given: unknown): Uint8Array {
  if (!isUint8Array(given)) {
    throw notAnEvent(`the data of event "${type}" must be a Uint8Array; got ${describeValue(given)}`)
  }
  const data = plainBytes(given)
  if (isDetached(data)) {
    const what = `the memory of the data of event "${type}"`
    throw notAnEvent(`${what} was given to another thread: it has no bytes any more`)
  }
  return data
}

function readMetadata(input: unknown): EventMetadata {
  if (input === undefined) return {}
  if (typeof input !== 'object' || input === null) {
    throw notAnEvent(`metadata must be an object of texts; got ${describeValue(input)}`)
  }
  const entries = Object.entries(input).filter(([, value]) => value !== undefined)
  for (const [name, value] of entries) {
    if (typeof value === 'string' && value.isWellFormed() && name.isWellFormed()) continue
    throw notAnEvent(`metadata "${name}" must be a well-formed string; got ${describeValue(value)}`)
  }
  return Object.fromEntries(entries) as EventMetadata
}

function notAnEvent(message: string): PersistencyError {
  return new PersistencyError('ERR_EVENT', message)
}

function refuse(message: string): Result<never, PersistencyError> {
  return err(notAnEvent(message))
}

function expectedSeq(value: unknown): string | undefined {
  const fits = value === 'any' || value === 'none' || (Number.isSafeInteger(value) && (value as number) >= 0)
  return fits ? undefined : '"any", "none" or the position of the last event'
}
