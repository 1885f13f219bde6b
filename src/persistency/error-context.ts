/** Owns where in a larger value an encoder found a wrong one, for its error. */

/**
 * The same kind of error with `context` in front of its message and the original as its cause. Anything but a
 * TypeError or RangeError is passed on untouched: it did not come from an encoder.
 */
export function inContext(context: string, error: unknown): unknown {
  if (error instanceof RangeError) return new RangeError(`${context}: ${error.message}`, { cause: error })
  if (error instanceof TypeError) return new TypeError(`${context}: ${error.message}`, { cause: error })
  return error
}
