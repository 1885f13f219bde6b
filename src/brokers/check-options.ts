/** Owns refusing options that nobody would read: what is misspelt would count for nothing. */
import { isCancelSignal } from '../runtime/cancel-signals.js'
import { textOf } from '../runtime/message-of.js'

/**
 * @param of what the options are of, for the error
 * @throws TypeError for what is no object of options, and for a name that is not known
 */
export function checkOptionNames(options: unknown, known: readonly string[], of: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isCancelSignal(options)) {
    const hint = isCancelSignal(options) ? ': pass { signal }' : ''
    throw new TypeError(`the options of ${of} must be an object; got ${textOf(options)}${hint}`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`${of} has no option "${name}"; known are ${known.join(', ')}`)
    }
  }
}
