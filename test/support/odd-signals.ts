/** Signals of another make than that of Node.js, which the types let pass. */
const nothing = (): void => {}
const well = { aborted: false, reason: undefined, addEventListener: nothing, removeEventListener: nothing }
const fails = (): never => {
  throw new Error('of the signal')
}

/** Objects that are no signals, though they look like it. */
export const NO_SIGNALS = {
  'without a way to stop listening': { aborted: false, addEventListener: nothing },
  'without a way to listen': { ...well, addEventListener: null },
  'with a getter that throws': Object.defineProperty({ ...well }, 'aborted', { get: fails })
} as unknown as Record<string, AbortSignal>

/** A signal that does what it can to keep a call from its end. */
export const clinging = { ...well, removeEventListener: fails } as unknown as AbortSignal

/** A signal that cannot be listened to. */
export const deaf = { ...well, addEventListener: fails } as unknown as AbortSignal

/** A signal that has fired and does not tell why. */
export const silent = Object.defineProperty({ ...well, aborted: true }, 'reason', {
  get: fails
}) as unknown as AbortSignal
