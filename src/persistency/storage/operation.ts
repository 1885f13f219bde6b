/** Owns one long operation on a database: telling how far it has come, and being told to end. */
import type { PersistencyError } from '../errors.js'
import type { Progress } from '../maintenance/types.js'

export interface Operation {
  /** Why to end; `undefined` to go on. */
  readonly ended: PersistencyError | undefined
  progress(progress: Progress): void
}

/** Throws when the operation is to end. */
export function throwIfEnded({ ended }: Operation): void {
  if (ended !== undefined) throw ended
}
