/** Owns which tasks can be done in one go, because one statement is enough for many of them. */
import { PackedWrite } from '../frames/packed-write.js'
import type { PutOp } from '../types.js'
import type { GetTask, Task, WriteTask } from './tasks.js'

/** A row to be read or stored. */
export type RowTask = GetTask | WriteTask

/** So many gets are read together at most; their answers then leave while the next are read. */
const READ_TOGETHER = 32

/** So many rows are stored together at most: then it is time to look at the clock, for the sake of others. */
const STORED_TOGETHER = 64

/** The gets of one category, or the writes of one row each, that stand in a row. */
export function rowTasksFrom(group: readonly Task[], start: number): RowTask[] {
  const first = group[start] as Task
  const alike = (task: Task): boolean =>
    first.kind === 'get' ? task.kind === 'get' && task.category === first.category : isOnlyPut(task)
  const end = Math.min(group.length, start + (first.kind === 'get' ? READ_TOGETHER : STORED_TOGETHER))
  const tasks: RowTask[] = []
  for (let at = start; at < end; at++) {
    const task = group[at] as Task
    if (!alike(task)) break
    tasks.push(task as RowTask)
  }
  return tasks
}

/** The put of a write of one row. */
export function onlyPut({ event }: WriteTask): PutOp {
  return event.ops[0] as PutOp
}

/** Whether a task is a write of one put and nothing else. */
function isOnlyPut(task: Task): boolean {
  // Those that came in a frame stand together already, as a task of their own.
  if (task.kind !== 'write' || task.event instanceof PackedWrite) return false
  const { ops } = task.event
  return ops.length === 1 && ops[0]?.kind === 'put'
}
