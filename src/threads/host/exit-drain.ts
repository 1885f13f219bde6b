/**
 * Owns the end of the process: workers keep running while an `exit` handler runs, so the handler can wait for them to
 * finish what they were sent; it finishes itself what is served on this thread. There is one handler for all hosts, and only
 * while there are any.
 */
import { writeSync } from 'node:fs'

/** Something that must finish before the process ends. All steps are synchronous. */
export interface Drainable {
  /** Whether its work is done by this thread, inside `awaitDrain`. */
  readonly worksHere: boolean
  /** Tells it to finish, without waiting. */
  beginDrain(): void
  /** Blocks until it has finished, at most until `deadline` (of `performance.now()`); returns whether it has. */
  awaitDrain(deadline: number): boolean
  /** Asks it to give up whatever it waits for. */
  hurry(): void
}

/** How long the end of a process may be held up, in milliseconds. */
export const EXIT_DEADLINE_MS = 10_000

/** How long before that all are asked to give up what they wait for, in milliseconds. */
const HURRY_BEFORE_MS = 1000

const drainables = new Set<Drainable>()
const afterwards = new Set<() => void>()

export function drainOnExit(drainable: Drainable): void {
  watchExit()
  drainables.add(drainable)
}

export function undrain(drainable: Drainable): void {
  if (drainables.delete(drainable)) unwatchExit()
}

/** Calls back once everything has finished: what other `exit` handlers send then, nobody takes. Answers how to stop that. */
export function afterDrain(listener: () => void): () => void {
  watchExit()
  afterwards.add(listener)
  return () => {
    if (afterwards.delete(listener)) unwatchExit()
  }
}

function watchExit(): void {
  if (drainables.size + afterwards.size === 0) process.on('exit', onExit)
}

function unwatchExit(): void {
  if (drainables.size + afterwards.size === 0) process.off('exit', onExit)
}

function onExit(): void {
  drainAll()
  for (const tell of afterwards) tell()
}

function drainAll(): void {
  const deadline = performance.now() + EXIT_DEADLINE_MS
  for (const drainable of drainables) drainable.beginDrain()
  // Those that this thread works for first: the others work meanwhile, and one that hangs uses up the time.
  const all = [...drainables].sort((a, b) => Number(b.worksHere) - Number(a.worksHere))
  const late = unfinished(all, deadline - HURRY_BEFORE_MS)
  for (const drainable of late) drainable.hurry()
  const count = unfinished(late, deadline).length
  if (count === 0) return
  // Asynchronous output would be lost at this point.
  const seconds = EXIT_DEADLINE_MS / 1000
  writeSync(
    2,
    `persistency: the process ended before ${count} threads had finished their work, after ${seconds} s\n`
  )
}

/** Waits for all; returns those that have not finished by `deadline`. */
function unfinished(all: readonly Drainable[], deadline: number): Drainable[] {
  return all.filter((drainable) => !drainable.awaitDrain(deadline))
}
