/**
 * Owns what a storage hears again after the death of another thread: writes that have been dealt with are answered for,
 * the others are applied. These messages come before any other write, so the order of the answers is kept.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { PersistEventPayload, WritesSettledPayload } from '../message-payloads.js'
import { PersistAgain, WritesSettled } from '../messages.js'
import type { Progress } from './progress-log.js'
import { writeTask } from './tasks.js'
import { NO_TRANSACTION, tellWrites } from './write-outcomes.js'

export interface TakeUpParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
  readonly progress: Progress
  /** Does a write that has not been dealt with. */
  readonly write: (event: PersistEventPayload) => void
  readonly settled: (news: WritesSettledPayload) => void
}

/** Listens until the answer is called. */
export function takeUp({ hub, context, jobId, progress, write, settled }: TakeUpParts): () => void {
  const { seq: dealtWith, failures } = progress
  let known: PersistEventPayload[] = []
  const answer = (): void => {
    const tasks = known.map((event) => writeTask(event, failures.get(event.seq)))
    known = []
    tellWrites({ hub, context, jobId }, tasks, NO_TRANSACTION)
  }
  const again = hub.listen(context, PersistAgain, (event) => {
    if (event.seq > dealtWith) {
      write(event)
      return
    }
    if (known.length === 0) hub.turns.atEnd(answer)
    known.push(event)
  })
  const settling = hub.listen(context, WritesSettled, settled)
  return () => {
    void again.drop()
    void settling.drop()
  }
}
