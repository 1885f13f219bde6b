/** Owns waiting without sleeping: gates that a test opens, and looking at a promise without waiting for it. */

export interface Gate {
  /** Resolves when the gate is opened. */
  readonly opened: Promise<void>
  open(): void
}

/** A barrier that whoever awaits `opened` stops at until the test opens it. */
export function gate(): Gate {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Resolves when everything that is ready to run has run: microtasks, ticks and due immediates. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether a promise, of whatever make, is still waiting after everything that is ready to run has run. */
export async function isPending(promise: unknown): Promise<boolean> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  Promise.resolve(promise).then(note, note)
  await nextTurn()
  return !settled
}

/** A promise that never settles. */
export function never(): Promise<never> {
  return new Promise(() => {})
}

/** A promise of no known make: an object with nothing but `then`. */
export function thenable<T>(
  then: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void
): PromiseLike<T> {
  return { then } as PromiseLike<T>
}

/** An object of which one property cannot even be read. */
export function unreadable(property: string): never {
  const get = (): never => {
    throw new Error(`reading ${property}`)
  }
  return Object.defineProperty({}, property, { get }) as never
}
