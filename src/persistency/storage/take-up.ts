/**
 * Owns what a storage hears again after the death of another thread: writes that have been dealt with are answered for,
 * the others are applied. These messages come before any other write, so the order of the answers is kept.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { PersistEventPayload, WritesSettledPayload } from '../message-payloads.js'
import { PersistAgain, PersistCommitted, PersistFailed, WritesSettled } from '../messages.js'
import type { Progress } from './progress-log.js'

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
    const events = known
    known = []
    for (const { seq, ops } of events) {
      const error = failures.get(seq)
      if (error !== undefined) hub.emit(context, PersistFailed, { jobId, seq, ops, error })
    }
    const done = events.filter(({ seq }) => !failures.has(seq))
    const [first] = done
    if (first === undefined) return
    hub.emit(context, PersistCommitted, {
      jobId,
      firstSeq: first.seq,
      lastSeq: (done.at(-1) as PersistEventPayload).seq,
      writes: done.length,
      ops: done.reduce((sum, { ops }) => sum + ops.length, 0),
      bytes: done.reduce((sum, { bytes }) => sum + bytes, 0),
      waitMs: 0,
      commitMs: 0
    })
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
