/**
 * Owns programs to which time passes faster: those that show what comes after a long wait wait for a part of it.
 * To everything outside of the thread that runs it, time passes as ever.
 */

/** The source of a statement of a program: from it on, time passes that many times as fast to its thread. */
export const fastClock = (times: number): string => `
{
  const { setTimeout } = globalThis
  const now = performance.now.bind(performance)
  const { wait } = Atomics
  const begun = now()
  performance.now = () => begun + (now() - begun) * ${times}
  Atomics.wait = (cells, index, value, ms = Infinity) => wait(cells, index, value, ms / ${times})
  globalThis.setTimeout = (call, ms) => setTimeout(call, ms / ${times})
}
`
