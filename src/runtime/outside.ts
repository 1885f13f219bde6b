/**
 * Owns the async context of what belongs to no caller: shared timers and ports, and the threads behind them. Node binds
 * these to the async context in which they are made. Made in that of a caller, they would keep what the caller stored there
 * and expose it to all others: one tenant's listeners would run in the context of another.
 */
import { AsyncResource } from 'node:async_hooks'

/**
 * Made when the module is loaded, and bound to the async context of whoever loads it: nobody's, when that is the top level of
 * a program. Node.js has no way to make one that is bound to none.
 */
const outside = new AsyncResource('Persistency')

/** Runs `body` in no caller's async context. */
export function runOutside<T>(body: () => T): T {
  return outside.runInAsyncScope(body)
}
