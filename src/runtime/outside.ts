/**
 * Owns the async context of what belongs to no caller: timers and ports that many share, and the threads behind them.
 * Node binds such a thing to the async context in which it is made. Made in that of a caller, it would keep what that
 * caller stored and hand it to everybody else: one tenant's listeners would run in the context of another.
 */
import { AsyncResource } from 'node:async_hooks'

/** Made as the module is loaded, which is before there are callers. */
const outside = new AsyncResource('Persistency')

/** Runs `body` in no caller's async context. */
export function runOutside<T>(body: () => T): T {
  return outside.runInAsyncScope(body)
}
