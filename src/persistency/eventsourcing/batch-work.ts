import { isResult } from '../../runtime/is-result.js'
import { messageOf } from '../../runtime/message-of.js'
import { unknownField } from '../checks/fields.js'
import { checkOps } from '../checks/operations.js'
import { PersistencyError } from '../errors.js'
import { checkAppend } from '../journal/checks.js'
import type { JournalAppendQuery } from '../journal/message-payloads.js'
import type { JournalEvent } from '../journal/types.js'
import type { TxOp } from '../types.js'
import { ownOp } from '../writes/own-ops.js'
import type { DomainEvent, EventCodec } from './domain-events.js'
import { projectionOf, subjectOf } from './subject.js'
import type { DecodedHandler, Delivery, HandlerAppend, Reaction, SubscriptionHandler } from './types.js'

/** What events come to: operations, and then events of the application's own, stored together. */
export interface BatchOutcome {
  readonly ops: readonly TxOp[]
  readonly append: readonly JournalAppendQuery[]
}

/** Gathers what the events of one transaction come to. */
export interface BatchWork {
  /** Deals with the next event; when it throws, that event has left no trace in the outcome. */
  add(event: JournalEvent, delivery: Delivery): Promise<void>
  /** What is to be stored for the events that were added. */
  outcome(): BatchOutcome
}

/** Begins a transaction for some events. */
export type BeginBatch = (events: readonly JournalEvent[]) => BatchWork | Promise<BatchWork>

/** Calls a handler for each event and gathers its answers. */
export function handlerBatches(handler: SubscriptionHandler<never>): BeginBatch {
  const handle = handler as unknown as SubscriptionHandler<JournalEvent>
  return (events) => {
    const ops: TxOp[] = []
    const append: JournalAppendQuery[] = []
    // The next call may use the bytes again that this one answered with.
    const several = events.length > 1
    return {
      async add(event, delivery) {
        const reaction = checkReaction(answered(await handle(event, delivery)))
        for (const op of reaction.ops) ops.push(several ? ownOp(op) : op)
        for (const query of reaction.append) append.push(several ? ownAppend(query) : query)
      },
      outcome: () => ({ ops, append })
    }
  }
}

/** A handler of recorded events that calls one of events which a codec reads. */
export function decoding(
  codec: EventCodec<DomainEvent>,
  handle: DecodedHandler<DomainEvent>
): SubscriptionHandler {
  return (recorded, delivery) => {
    const event = codec.decode(recorded)
    return event === undefined ? undefined : handle(event, { ...delivery, recorded })
  }
}

function answered(answer: unknown): unknown {
  if (!isResult(answer)) return answer
  if (answer.isErr()) throw answer.error
  return answer.value
}

/** Throws the `PersistencyError` of what cannot be stored. */
function checkReaction(answer: unknown): BatchOutcome {
  const {
    ops = [],
    append = [],
    ...others
  } = isReaction(answer) ? answer : { ops: answer as TxOp | undefined }
  requireNone(others)
  const checked = checkOps(ops)
  if (checked.isErr()) throw ofAnswer(checked.error)
  const appends = Array.isArray(append) ? (append as readonly HandlerAppend[]) : [append as HandlerAppend]
  return { ops: checked.value, append: appends.map(checkHandlerAppend) }
}

function isReaction(answer: unknown): answer is Reaction {
  return typeof answer === 'object' && answer !== null && ('append' in answer || 'ops' in answer)
}

/** A misspelled field would be lost with its event, silently. */
function requireNone(others: object): void {
  const wrong = unknownField('the answer of a handler', others, ['ops', 'append'])
  if (wrong !== undefined) throw new PersistencyError('ERR_OPTION', wrong)
}

function checkHandlerAppend(append: HandlerAppend): JournalAppendQuery {
  const { events, ...options } = append ?? {}
  const checked = checkAppend(events, options)
  if (checked.isErr()) throw ofAnswer(checked.error)
  return checked.value.query
}

/** The handler may not have meant to answer it: what a call in there answers is taken for operations, too. */
function ofAnswer({ code, message, cause }: PersistencyError): PersistencyError {
  return new PersistencyError(code, `the answer of the handler: ${message}`, { cause })
}

function ownAppend(query: JournalAppendQuery): JournalAppendQuery {
  const events = query.events.map((event) => ({ ...event, data: new Uint8Array(event.data) }))
  return { ...query, events }
}

/** Who deals with the events of a subscription, as its users know it. */
function handlerOf(subscription: string): string {
  const subject = subjectOf(subscription)
  return projectionOf(subscription) === undefined ? `the handler of ${subject}` : subject
}

/** What a handler failed with, as an error of ours. */
export function handlerFailed(subscription: string, seq: number, attempts: number, cause: unknown) {
  const times = attempts === 1 ? 'once' : `${attempts} times`
  const message = `${handlerOf(subscription)} failed ${times} on event ${seq}: ${messageOf(cause)}`
  return new PersistencyError('ERR_HANDLER_FAILED', message, { cause })
}
