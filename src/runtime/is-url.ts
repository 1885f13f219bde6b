/** Owns telling a URL by its shape: it may be of another realm. */
import type { ModuleUrl } from './platform.js'

export function isUrl(value: unknown): value is ModuleUrl {
  try {
    const { href, protocol } = value as { readonly href?: unknown; readonly protocol?: unknown }
    return typeof value === 'object' && typeof href === 'string' && typeof protocol === 'string'
  } catch {
    return false
  }
}
