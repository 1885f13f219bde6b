/** Owns what names the module of a worker: a URL, or a path as `Worker` takes it, which the types leave out. */
import { textOf } from '../../runtime/message-of.js'
import type { ModuleUrl } from '../../runtime/platform.js'

/** By its shape: a URL may be of another realm. @throws TypeError */
export function checkEntry(entry: ModuleUrl | string): void {
  if (typeof entry === 'string' || typeof entry?.href === 'string') return
  throw new TypeError(
    `the module of a worker must be a URL, such as new URL('./worker.js', import.meta.url); got ${textOf(entry)}`
  )
}

/** As it was given. */
export function entryText(entry: ModuleUrl | string): string {
  return typeof entry === 'string' ? entry : entry.href
}
