/** Owns noticing that a promise hangs. */

/** The value of a promise that must settle; throws, naming it, when it does not within the time. */
export async function settles<T>(what: string, promise: PromiseLike<T>, limitMs = 30_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not settled within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
