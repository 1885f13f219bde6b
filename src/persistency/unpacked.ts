/**
 * Owns making the objects of a large answer: a little at a time, so that the event loop goes on meanwhile. A million rows
 * made in one go would stop it for a second.
 */
import { err, type Result } from 'neverthrow'
import { setImmediate } from '../runtime/event-loop.js'
import { messageOf } from '../runtime/message-of.js'
import { PersistencyError } from './errors.js'
import { type PackedPage, type PackedPayloads, packedIn } from './frames/packed.js'
import type { Patience } from './patience.js'

/** For how long parts are unpacked before the event loop goes on, in milliseconds. */
const AT_ONCE_MS = 2

/** A result with everything in it unpacked; a promise when that takes longer, which ends as `patience` does. */
export function unpacked<T>(
  result: Result<T, PersistencyError>,
  patience: () => Patience
): Result<T, PersistencyError> | Promise<Result<T, PersistencyError>> {
  const packed = result.isOk() ? packedIn(result.value) : undefined
  if (packed === undefined) return result
  try {
    return unpackSome(packed) ? inPieces(packed, result, patience()) : result
  } catch (thrown) {
    return err(damaged(thrown))
  }
}

function inPieces<T>(
  packed: PackedPage | PackedPayloads,
  result: Result<T, PersistencyError>,
  patience: Patience
): Promise<Result<T, PersistencyError>> {
  const all = new Promise<Result<T, PersistencyError>>((resolve) => {
    const next = (): void => {
      if (patience.end !== undefined) return
      try {
        if (unpackSome(packed)) setImmediate(next)
        else resolve(result)
      } catch (thrown) {
        resolve(err(damaged(thrown)))
      }
    }
    setImmediate(next)
  })
  return patience.bound(all)
}

/** Answers whether there may be more. */
function unpackSome(packed: PackedPage | PackedPayloads): boolean {
  const until = performance.now() + AT_ONCE_MS
  while (packed.unpackPart()) if (performance.now() >= until) return true
  return false
}

function damaged(thrown: unknown): PersistencyError {
  return new PersistencyError('ERR_BROKER', `an answer cannot be unpacked: ${messageOf(thrown)}`, {
    cause: thrown
  })
}
