/** Owns what to do where the modules of the storage are not beside the others any more: the package is part of a bundle. */
import { codeOf } from './sqlite-errors.js'

export const OUTSIDE_BUNDLES =
  "the package must stay outside of bundles (esbuild: --packages=external; others: external: ['persistency'])"

/** The end of a message about a thread that could not be started: where there is no such module, with what to do. */
export function bundleRemedy(cause: unknown): string {
  const missing = ['ERR_INVALID_URL', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(
    codeOf(cause) ?? ''
  )
  return missing ? `; ${OUTSIDE_BUNDLES}` : ''
}
