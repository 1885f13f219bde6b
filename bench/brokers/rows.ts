/** Owns what is measured, against whom, and what is to be reached. */

export interface Row {
  readonly title: string
  /** What to ask this package for; the others too, unless `theirs` says otherwise. */
  readonly measure: string
  readonly theirs?: string
  readonly peers: readonly string[]
  /** Microseconds a request rather than operations a second: less is better. */
  readonly micros?: boolean
  /** At least so many a second, or less than so many microseconds. */
  readonly target?: number
}

/** The hand-written worker: a yardstick, not a peer that must be beaten. */
export const BASELINE = 'post-message'

const EMITTERS = ['emittery', 'nest-cqrs']
const CALLERS = ['comlink', 'piscina', BASELINE]

export const ROWS: readonly Row[] = [
  { title: 'emit, no listener', measure: 'emit-0', peers: EMITTERS },
  { title: 'emit, 1 listener', measure: 'emit-1', peers: EMITTERS },
  { title: 'emit, 10 listeners', measure: 'emit-10', peers: EMITTERS },
  { title: 'requestSync', measure: 'request-sync', peers: [], target: 2e6 },
  { title: 'request, same thread', measure: 'request-async', peers: [] },
  { title: 'cross-thread events, 512 bytes', measure: 'events', peers: [BASELINE], target: 1e6 },
  { title: 'cross-thread request, 1 in flight', measure: 'request-1', peers: CALLERS },
  { title: 'cross-thread request, 64 in flight', measure: 'request-64', peers: CALLERS, target: 400e3 },
  { title: 'cross-thread request, 1024 in flight', measure: 'request-1024', peers: CALLERS },
  { title: 'no codec, 1 in flight', measure: 'cloned-1', theirs: 'request-1', peers: CALLERS },
  { title: 'no codec, 64 in flight', measure: 'cloned-64', theirs: 'request-64', peers: CALLERS },
  { title: 'no codec, 1024 in flight', measure: 'cloned-1024', theirs: 'request-1024', peers: CALLERS },
  { title: 'lone request, median µs', measure: 'request-lone', peers: CALLERS, micros: true, target: 35 },
  { title: 'lone request after 2 ms of quiet, µs', measure: 'request-quiet', peers: CALLERS, micros: true }
]
