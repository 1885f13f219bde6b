/**
 * Owns how our own loops go on later. The functions are taken as the package is loaded: tests with fake timers replace the
 * global ones, and what was accepted must be worked off all the same. Time limits stay with the `setTimeout` that is in
 * force, because those such a test means to drive.
 */

export const setImmediate: (work: () => void) => unknown = globalThis.setImmediate

export const queueMicrotask: (work: () => void) => void = globalThis.queueMicrotask
