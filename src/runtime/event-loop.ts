/**
 * Owns how the loops of this package continue later. The functions are taken when the package is loaded: tests with fake
 * timers replace the global ones, and accepted work must be done nevertheless. Time limits, and what is
 * done from time to time or when nothing has happened for long, use the global `setTimeout`, which such a test means to drive.
 */

export const setImmediate: (work: () => void) => unknown = globalThis.setImmediate

export const queueMicrotask: (work: () => void) => void = globalThis.queueMicrotask

export const setTimeout: (work: () => void, delayMs: number) => unknown = globalThis.setTimeout
