/**
 * Owns what a storage hears again after the death of another thread: writes that have been dealt with are answered for,
 * the others are applied. These messages come before any other write; but a read may stand in front of them, which is
 * worked off with what stands behind it. So the order of the answers is kept by telling what is known before any work.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { PersistEventPayload, WritesSettledPayload } from '../message-payloads.js'
import { PersistAgain, WritesSettled } from '../messages.js'
import { NO_TRANSACTION, tellWrites } from './outcomes.js'
import type { DealtWith } from './restart-log.js'
import { writeTask } from './tasks.js'

export interface TakeUpParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
  readonly before: DealtWith
  /** Does a write that has not been dealt with. */
  readonly write: (event: PersistEventPayload) => void
  readonly settled: (news: WritesSettledPayload) => void
}

export interface TakeUp {
  /** Tells what became of the writes that had been dealt with, as far as they were heard of again. */
  tell(): void
  /** Listens no longer. */
  stop(): void
}

/** Listens from now on. */
export function takeUp({ hub, context, jobId, before, write, settled }: TakeUpParts): TakeUp {
  const { seq: dealtWith, failures } = before
  let known: PersistEventPayload[] = []
  const tell = (): void => {
    if (known.length === 0) return
    const tasks = known.map((event) => writeTask(event, failures.get(event.seq)))
    known = []
    tellWrites({ hub, context, jobId }, tasks, NO_TRANSACTION)
  }
  const again = hub.listen(context, PersistAgain, (event) => {
    if (event.seq > dealtWith) {
      write(event)
      return
    }
    if (known.length === 0) hub.turns.atEnd(tell)
    known.push(event)
  })
  const settling = hub.listen(context, WritesSettled, settled)
  const stop = (): void => {
    void again.drop()
    void settling.drop()
  }
  return { tell, stop }
}
