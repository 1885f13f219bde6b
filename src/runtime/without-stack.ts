/**
 * Owns making errors whose stack would tell nothing: it would name a timer, a signal or a link, and no call of anybody.
 * Capturing one is most of the cost of an error, and many thousand calls may end at the same moment.
 */

/**
 * What `make` returns, an error whose `stack` is its name and message only. No code but ours may run in `make`, no getter of
 * an application either: for as long as it runs, no error of this thread gets a stack.
 */
export function withoutStack<E extends Error>(make: () => E): E {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  // It may be frozen, or an accessor of somebody's.
  if (!limit?.writable) return make()
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit.value
  }
}
