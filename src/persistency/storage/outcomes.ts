/** Owns what a storage tells of the work that is done: what became of writes as events, answers to calls. */
import type { RemovedRow } from '../message-payloads.js'
import type { ProgressLog } from './progress-log.js'
import type { CallTask, GetTask, Task } from './tasks.js'
import {
  type Audience,
  NO_TRANSACTION,
  type TransactionFacts,
  tellWrites,
  type WriteSums
} from './write-outcomes.js'

export class Outcomes {
  readonly #audience: Audience
  readonly #progress: ProgressLog | undefined
  /** Number of the last write that was taken up. */
  lastSeq = 0

  /** @param progress of a job with `restart` */
  constructor(audience: Audience, progress: ProgressLog | undefined) {
    this.#audience = audience
    this.#progress = progress
  }

  /** Tells how tasks fared that were done together; answers what the writes among them come to. */
  tell(group: readonly Task[], transaction: TransactionFacts = NO_TRANSACTION): WriteSums {
    if (transaction === NO_TRANSACTION) this.#progress?.notRecorded(group)
    else this.#progress?.committed()
    const removed = this.#removedIn(group)
    const facts = removed.length === 0 ? transaction : { ...transaction, removed }
    const sums = tellWrites(this.#audience, group, facts)
    for (const task of group) if (task.kind === 'call' || task.kind === 'get') settle(task)
    return sums
  }

  /** What acknowledged deletes removed, each behind the write that came before it. */
  #removedIn(group: readonly Task[]): RemovedRow[] {
    const removed: RemovedRow[] = []
    for (const task of group) {
      if (task.kind === 'write') this.lastSeq = task.event.seq || this.lastSeq
      else if (task.kind === 'puts') this.lastSeq = task.puts.lastSeq
      else if (task.kind === 'call' && task.removes !== undefined && task.value === true) {
        if (task.error === undefined) removed.push({ ...task.removes, afterSeq: this.lastSeq })
      }
    }
    return removed
  }
}

function settle({ call, error, value }: CallTask | GetTask): void {
  if (error === undefined) call.resolve(value)
  else call.reject(error)
}
