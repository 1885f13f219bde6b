/** Owns what a subscription does with the events of one transaction. */
import { messageOf } from '../../brokers/errors.js'
import { PersistencyError } from '../errors.js'
import type { JournalEvent } from '../journal/types.js'
import { ownOp } from '../restart/own-ops.js'
import type { TxOp } from '../types.js'
import { checkOps } from '../validate.js'
import type { Delivery, HandlerOps, SubscriptionHandler } from './types.js'

/** Gathers what the events of one transaction come to. */
export interface BatchWork {
  /** Deals with the next event; when it throws, that event has left no trace in the operations. */
  add(event: JournalEvent, delivery: Delivery): Promise<void>
  /** What is to be applied for the events that were added. */
  ops(): readonly TxOp[]
}

/** Begins a transaction for some events. */
export type BeginBatch = (events: readonly JournalEvent[]) => BatchWork | Promise<BatchWork>

/** Calls a handler for each event and gathers its answers. */
export function handlerBatches(handler: SubscriptionHandler<never>): BeginBatch {
  const handle = handler as unknown as SubscriptionHandler<JournalEvent>
  return (events) => {
    const gathered: TxOp[] = []
    // The next call may use the bytes again that this one answered with.
    const kept = events.length > 1 ? ownOp : (op: TxOp): TxOp => op
    return {
      async add(event, delivery) {
        const answer = await handle(event, delivery)
        const ops = checkOps(opsOf(answer) ?? [])
        if (ops.isErr()) throw ops.error
        gathered.push(...ops.value.map(kept))
      },
      ops: () => gathered
    }
  }
}

function opsOf(answer: unknown): HandlerOps {
  if (!isResult(answer)) return answer as HandlerOps
  if (answer.isErr()) throw answer.error
  return answer.value as HandlerOps
}

/** Results of any copy of neverthrow. */
function isResult(
  value: unknown
): value is { isErr(): boolean; readonly error: unknown; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'isErr' in value && typeof value.isErr === 'function'
}

/** What a handler failed with, as an error of ours. */
export function handlerFailed(subscription: string, seq: number, attempts: number, cause: unknown) {
  const times = attempts === 1 ? 'once' : `${attempts} times`
  const message = `the handler of subscription ${JSON.stringify(subscription)} failed ${times} on event ${seq}: ${messageOf(cause)}`
  return new PersistencyError('ERR_HANDLER_FAILED', message, { cause })
}
