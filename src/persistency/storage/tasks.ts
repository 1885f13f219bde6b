/** Owns the units of work of a storage: a write that was announced, a call that was made, a flush. */
import type { Call } from '../../brokers/provider.js'
import type { PersistencyError } from '../errors.js'
import type { PackedPuts } from '../frames/packed-writes.js'
import type { Key } from '../keys/keys.js'
import type { KvAddress, PersistEventPayload } from '../message-payloads.js'
import type { Pieces } from './pieces.js'

/** Operations to apply, all or none. */
export interface WriteTask {
  readonly kind: 'write'
  readonly event: PersistEventPayload
  /** What is left of it, once a piece was done; set by the attempt. */
  rest: Pieces | undefined
  /** Why it was not applied; set by the attempt. */
  error: PersistencyError | undefined
}

/** A write that was done as `error` says, or not attempted yet. */
export function writeTask(event: PersistEventPayload, error?: PersistencyError): WriteTask {
  return { kind: 'write', event, rest: undefined, error }
}

/** Writes of one row each that came together in a frame. */
export interface PutsTask {
  readonly kind: 'puts'
  readonly puts: PackedPuts
  /** Why none of them was applied; set by the attempt. */
  error: PersistencyError | undefined
}

/** What work answers that has used up its slice: it is to be called again. */
export const UNFINISHED = Symbol('unfinished')

/** Something to read, or to change and tell about. */
export interface CallTask {
  readonly kind: 'call'
  /** Whether it changes the database, and so needs a transaction. */
  readonly writes: boolean
  /** Does it, or a piece of it. */
  readonly work: () => unknown
  /** Forgets the pieces that were done, because what they have seen was undone. */
  readonly startOver?: () => void
  readonly call: Call
  /** The row that is gone when the work gave `true`, if it is a removal. */
  readonly removes?: KvAddress
  /** What the work gave; set by the attempt. */
  value: unknown
  error: PersistencyError | undefined
}

/** Reading that may take several slices. */
export type PiecewiseWork = Pick<CallTask, 'work' | 'startOver'>

/** A row to read. A kind of its own, because many of them can be read with one statement. */
export interface GetTask {
  readonly kind: 'get'
  readonly category: string
  readonly key: Key
  readonly call: Call
  /** The payload; set by the attempt. */
  value: Uint8Array | undefined
  error: PersistencyError | undefined
}

/** A point at which everything before must be committed. */
export interface FlushTask {
  readonly kind: 'flush'
  readonly durable: boolean
  readonly call: Call
}

export type Task = WriteTask | PutsTask | CallTask | GetTask

/** A write that was not applied. */
export interface FailedWrite {
  readonly event: PersistEventPayload
  readonly error: PersistencyError
}

/** Number of the last write among tasks; 0 when they have none. What somebody else than the job announced has no number. */
export function lastSeqAmong(tasks: readonly Task[]): number {
  for (let at = tasks.length - 1; at >= 0; at--) {
    const task = tasks[at] as Task
    if (task.kind === 'puts') return task.puts.lastSeq
    if (task.kind === 'write' && task.event.seq > 0) return task.event.seq
  }
  return 0
}

/** The writes among tasks that were not applied, in order. */
export function failedAmong(tasks: readonly Task[]): FailedWrite[] {
  const failed: FailedWrite[] = []
  for (const task of tasks) {
    const { error } = task
    if (error === undefined) continue
    if (task.kind === 'write') failed.push({ event: task.event, error })
    else if (task.kind === 'puts') for (const event of task.puts.writes) failed.push({ event, error })
  }
  return failed
}

/** Whether a task changes the database. */
export function writes(task: Task): boolean {
  return task.kind === 'write' || task.kind === 'puts' || (task.kind === 'call' && task.writes)
}

/** A task for each write of one that has many; the others as they are. */
export function singly(task: Task): readonly Task[] {
  return task.kind === 'puts' ? task.puts.writes.map((event) => writeTask(event)) : [task]
}
