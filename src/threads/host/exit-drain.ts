/**
 * Owns the end of the process: a worker keeps running while an `exit` handler runs, so the handler can wait for it to
 * finish what it was sent; what is served on this thread is finished by the handler itself. One handler serves all of
 * them, and it is there only while there are any.
 */

import { writeSync } from 'node:fs'

/** Something that must finish before the process ends. All steps are synchronous. */
export interface Drainable {
  /** Whether it gets on only while `awaitDrain` has this thread work for it. */
  readonly worksHere: boolean
  /** Tells it to finish, without waiting. */
  beginDrain(): void
  /** Blocks until it has finished, at most until `deadline` (of `performance.now()`); answers whether it has. */
  awaitDrain(deadline: number): boolean
  /** Asks it to give up whatever it waits for. */
  hurry(): void
}

/** How long the end of a process may be held up, in milliseconds. */
export const EXIT_DEADLINE_MS = 10_000

/** How long before that all are asked to give up whatever they wait for, in milliseconds. */
const HURRY_BEFORE_MS = 1000

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
  // One that hangs must not use up the time of those that this thread works for; the others work meanwhile.
  const all = [...drainables].sort((a, b) => Number(b.worksHere) - Number(a.worksHere))
  const late = unfinished(all, deadline - HURRY_BEFORE_MS)
  for (const drainable of late) drainable.hurry()
  const count = unfinished(late, deadline).length
  if (count === 0) return
  // Nothing asynchronous is printed any more at this point.
  const seconds = EXIT_DEADLINE_MS / 1000
  writeSync(
    2,
    `persistency: the process ended before ${count} threads had finished their work, after ${seconds} s\n`
  )
}

/** Waits for all; answers those that have not finished by `deadline`. */
function unfinished(all: readonly Drainable[], deadline: number): Drainable[] {
  return all.filter((drainable) => !drainable.awaitDrain(deadline))
}
