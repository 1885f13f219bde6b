/**
 * Owns closing when the process is told to end. One listener per signal serves all owners, and it is there only while
 * there are any.
 */
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { EXIT_DEADLINE_MS } from '../threads/host/exit-drain.js'

/** Something that is closed before the process ends. */
export interface Closable {
  /** Names it in messages. */
  readonly name: string
  /** Never rejects; answers what went wrong. */
  close(): Promise<string | undefined>
}

/** The signals that ask a process to end. */
const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const

export type EndSignal = (typeof END_SIGNALS)[number]

/** What is meant by `true`. */
const USUAL: readonly EndSignal[] = ['SIGTERM', 'SIGINT']

const closables = new Map<EndSignal, Set<Closable>>()
const listeners = new Map<EndSignal, () => void>()
let ending = false

/** Closes `closable` on these signals, then ends the process; until the answer is called. */
export function closeOnSignal(option: true | readonly EndSignal[], closable: Closable): () => void {
  const signals = option === true ? USUAL : [...option]
  for (const signal of signals) watch(signal, closable)
  return () => {
    for (const signal of signals) unwatch(signal, closable)
  }
}

/** Allows what `closeOnSignal` takes, where signals arrive. */
export function signalsOption(value: unknown): string | undefined {
  const wanted = Array.isArray(value) ? value : []
  const known =
    wanted.length > 0 && wanted.every((name) => (END_SIGNALS as readonly unknown[]).includes(name))
  if (value !== false && !isMainThread) return 'left out in a worker thread, where no signals arrive'
  if (typeof value === 'boolean' || known) return undefined
  return `true, false or an array of ${END_SIGNALS.join(', ')}`
}

function watch(signal: EndSignal, closable: Closable): void {
  const watching = closables.get(signal)
  if (watching !== undefined) {
    watching.add(closable)
    return
  }
  closables.set(signal, new Set([closable]))
  const listener = (): void => void end(signal)
  listeners.set(signal, listener)
  // First, to see those that listen once as well.
  process.prependListener(signal, listener)
}

/** While the process is ending the listener stays: without it, a second signal would cut the closing short. */
function unwatch(signal: EndSignal, closable: Closable): void {
  const watching = closables.get(signal)
  if (watching?.delete(closable) && watching.size === 0 && !ending) forget(signal)
}

function forget(signal: EndSignal): void {
  const listener = listeners.get(signal)
  if (listener !== undefined) process.off(signal, listener)
  listeners.delete(signal)
  closables.delete(signal)
}

async function end(signal: EndSignal): Promise<void> {
  if (ending) return
  ending = true
  const open = new Set(closables.get(signal))
  // Who else listens decides when the process ends.
  const alone = process.listenerCount(signal) === 1
  const closing = [...open].map(async (closable) => {
    const failure = await closable.close()
    open.delete(closable)
    if (failure !== undefined) report(failure)
  })
  await Promise.race([Promise.all(closing), deadline()])
  for (const { name } of open) report(`not closed within ${EXIT_DEADLINE_MS / 1000} s of ${signal}: ${name}`)
  ending = false
  forgetUnused()
  if (!alone) return
  forget(signal)
  process.kill(process.pid, signal)
}

/** Closing has the time that an exit of the process has. */
function deadline(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, EXIT_DEADLINE_MS).unref())
}

function forgetUnused(): void {
  for (const [signal, watching] of [...closables]) if (watching.size === 0) forget(signal)
}

/** Nothing asynchronous is printed any more once the process is ended. */
function report(failure: string): void {
  writeSync(2, `persistency: ${failure}\n`)
}
