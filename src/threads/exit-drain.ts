/**
 * Owns the end of the process: a worker keeps running while an `exit` handler runs, so the handler can wait for it to
 * finish what it was sent; what is served on this thread is finished by the handler itself. One handler serves all of
 * them, and it is there only while there are any.
 */

import { writeSync } from 'node:fs'

/** Something that must finish before the process ends. Both steps are synchronous. */
export interface Drainable {
  /** Tells it to finish. */
  beginDrain(): void
  /** Blocks until it has finished, at most until `deadline` (of `performance.now()`); answers whether it has. */
  awaitDrain(deadline: number): boolean
}

/** How long the end of a process may be held up, in milliseconds. */
export const EXIT_DEADLINE_MS = 10_000

const drainables = new Set<Drainable>()

export function drainOnExit(drainable: Drainable): void {
  if (drainables.size === 0) process.on('exit', drainAll)
  drainables.add(drainable)
}

export function undrain(drainable: Drainable): void {
  if (drainables.delete(drainable) && drainables.size === 0) process.off('exit', drainAll)
}

function drainAll(): void {
  const deadline = performance.now() + EXIT_DEADLINE_MS
  for (const drainable of drainables) drainable.beginDrain()
  const unfinished = [...drainables].filter((drainable) => !drainable.awaitDrain(deadline)).length
  if (unfinished === 0) return
  // Nothing asynchronous is printed any more at this point.
  const seconds = EXIT_DEADLINE_MS / 1000
  writeSync(
    2,
    `persistency: the process ended before ${unfinished} threads had finished their work, after ${seconds} s\n`
  )
}
