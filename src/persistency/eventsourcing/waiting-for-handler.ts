/** Owns noticing that somebody waits for a handler that does not come to an end, maybe because it is the one who waits. */
import { warnThrottled } from '../../runtime/warnings.js'

/** How long a handler may be at the same event while somebody waits, in milliseconds. */
const PATIENCE_MS = 10_000

/** The event that a handler is called for; another one for each call. */
export interface UnderWay {
  readonly seq: number
}

/**
 * Passes on what is waited for. Warns when the handler is still at the same event after ten seconds. Until then the process
 * is kept alive, which would end without a word otherwise.
 */
export function waitingForHandler<T>(
  waiting: Promise<T>,
  what: string,
  underWay: () => UnderWay | undefined
): Promise<T> {
  const first = underWay()
  if (first === undefined) return waiting
  const timer = setTimeout(() => {
    if (underWay() !== first) return
    const time = `${PATIENCE_MS / 1000} seconds`
    const why = `waits for a handler that has been at event ${first.seq} for ${time}; one that waits for its own subscription never ends`
    warnThrottled('PERSISTENCY_HANDLER_STUCK', what, why)
  }, PATIENCE_MS)
  return waiting.finally(() => clearTimeout(timer))
}
