/** Owns what names the module of a worker: a URL, or a path as `Worker` takes it. */
import { isUrl } from '../../runtime/is-url.js'
import { textOf } from '../../runtime/message-of.js'
import type { ModuleUrl } from '../../runtime/platform.js'

/** Whether a path leads anywhere is left to `Worker`. @throws TypeError */
export function checkEntry(entry: ModuleUrl | string): void {
  if (typeof entry === 'string' || isUrl(entry)) return
  throw new TypeError(
    `the module of a worker must be a URL, such as new URL('./worker.js', import.meta.url), or a path; got ${textOf(entry)}`
  )
}

/** As it was given. */
export function entryText(entry: ModuleUrl | string): string {
  return typeof entry === 'string' ? entry : entry.href
}
