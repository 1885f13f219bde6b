/** Owns trying again what failed for a lock of somebody else, while the thread does other things in between. */
import { setTimeout as delay } from 'node:timers/promises'

/** How long to leave a lock alone before trying again, in milliseconds. */
export const RETRY_MS = 10

/** Makes attempts until one does not throw, or throws what must not be tried again. */
export async function retried<T>(attempt: () => T, mayRetry: (thrown: unknown) => boolean): Promise<T> {
  for (;;) {
    try {
      return attempt()
    } catch (thrown) {
      if (!mayRetry(thrown)) throw thrown
    }
    await delay(RETRY_MS)
  }
}
