/** Owns what is measured, who takes part, and what is to be reached. */

export const CONTESTANTS = [
  'persistency',
  'persistency-mapped',
  'better-sqlite3',
  'better-sqlite3-bulk',
  'better-sqlite3-defaults',
  'worker',
  'classic-level',
  'lmdb',
  'keyv',
  'deno-kv'
] as const
export type Contestant = (typeof CONTESTANTS)[number]

/** A bound on our number, or on our number divided by another one of the same round. */
export interface Target {
  readonly sign: '>=' | '<='
  readonly bound: number
  /** Whose number to divide by; none when the bound is on ours itself. */
  readonly of?: Contestant
  /** What to ask them for, when it is not what the row measures. */
  readonly measure?: string
}

export type Unit = 'rows/s' | 'µs' | 'ms' | 'MB' | 'files'

export interface Row {
  readonly title: string
  /** As the trials know it: operation, bytes of a payload, rows. */
  readonly measure: string
  readonly unit: Unit
  /** This package comes first. */
  readonly contestants: readonly Contestant[]
  /** Bounds on the number of the first. */
  readonly targets: readonly Target[]
  readonly timeoutMs?: number
}

/** An operation before its payload and number of rows are chosen. */
interface Operation {
  readonly title: string
  readonly operation: string
  readonly unit: Unit
  readonly contestants: readonly Contestant[]
  readonly targets: readonly Target[]
}

const ENGINE = 'better-sqlite3'
const CORE: readonly Contestant[] = ['persistency', ENGINE, 'worker', 'classic-level', 'lmdb']
const ALL: readonly Contestant[] = [...CORE, 'keyv', 'deno-kv']
const MAPPED = 'persistency-mapped'
const BULK = 'better-sqlite3-bulk'
const PUTS: readonly Contestant[] = CONTESTANTS.filter((contestant) => contestant !== MAPPED)
/** Who can be given all writes at once without writing them there and then. */
const ASYNCHRONOUS: readonly Contestant[] = ['persistency', 'worker', 'classic-level', 'lmdb']

const atLeast = (bound: number, of: Contestant): Target => ({ sign: '>=', bound, of })
const atMost = (bound: number, of?: Contestant): Target =>
  of === undefined ? { sign: '<=', bound } : { sign: '<=', bound, of }

const OPERATIONS: readonly Operation[] = [
  {
    title: 'puts, sequential keys',
    operation: 'puts-sequential',
    unit: 'rows/s',
    contestants: PUTS,
    targets: [atLeast(1, ENGINE), atLeast(2, 'classic-level')]
  },
  {
    title: 'puts, random keys',
    operation: 'puts-random',
    unit: 'rows/s',
    contestants: PUTS,
    targets: [atLeast(1, ENGINE)]
  },
  {
    title: 'puts in batches of 1000',
    operation: 'put-batches',
    unit: 'rows/s',
    contestants: [...CORE, 'deno-kv'],
    targets: []
  },
  {
    title: 'acked puts, 64 in flight',
    operation: 'acked-64',
    unit: 'rows/s',
    contestants: ALL,
    targets: [atLeast(2, 'classic-level')]
  },
  {
    title: 'the same of rows that are there',
    operation: 'acked-again-64',
    unit: 'rows/s',
    contestants: CORE,
    targets: [atLeast(2, 'classic-level')]
  },
  {
    title: 'acked puts, one at a time',
    operation: 'acked-1',
    unit: 'rows/s',
    contestants: ALL,
    targets: [atLeast(1, 'classic-level')]
  },
  {
    title: 'gets, 64 in flight, random',
    operation: 'gets-64',
    unit: 'rows/s',
    contestants: ALL,
    targets: [atLeast(1.2, 'classic-level'), atLeast(2, 'worker')]
  },
  {
    title: 'lone get, median',
    operation: 'get-lone',
    unit: 'µs',
    contestants: ALL,
    targets: [atMost(0.7, 'classic-level'), atMost(0.5, 'worker')]
  },
  {
    title: 'lone get after 2 ms of quiet, median',
    operation: 'get-quiet',
    unit: 'µs',
    contestants: CORE,
    targets: []
  },
  {
    title: 'getMany of 100',
    operation: 'get-many',
    unit: 'rows/s',
    contestants: [...ALL, BULK],
    targets: [atLeast(1.5, 'classic-level')]
  },
  {
    title: 'scan, all at once',
    operation: 'scan-all',
    unit: 'rows/s',
    contestants: ALL,
    targets: [atLeast(1, 'classic-level'), atLeast(0.8, ENGINE)]
  },
  {
    title: 'scan, as a stream',
    operation: 'scan-stream',
    unit: 'rows/s',
    contestants: ALL,
    targets: [atLeast(1, 'classic-level'), { ...atLeast(0.8, ENGINE), measure: 'scan-all' }]
  },
  {
    title: 'main thread, each put',
    operation: 'main-thread',
    unit: 'µs',
    contestants: CORE,
    targets: [atMost(1.5), atMost(0.25, ENGINE)]
  }
]

/** A thread is blocked for long from here on: what browsers call a long task. */
const LONG_BLOCK_MS = 50

const LOOP_OPERATIONS: readonly Operation[] = [
  {
    title: 'loop delay p99, awaiting producer',
    operation: 'loop-p99',
    unit: 'ms',
    contestants: CORE,
    targets: [atMost(5)]
  },
  {
    title: 'loop delay longest, awaiting producer',
    operation: 'loop-longest',
    unit: 'ms',
    contestants: CORE,
    targets: [atMost(LONG_BLOCK_MS)]
  },
  {
    title: 'loop delay p99, all offered at once',
    operation: 'burst-p99',
    unit: 'ms',
    contestants: ASYNCHRONOUS,
    targets: [atMost(5)]
  },
  {
    title: 'loop delay longest, all offered at once',
    operation: 'burst-longest',
    unit: 'ms',
    contestants: ASYNCHRONOUS,
    targets: [atMost(LONG_BLOCK_MS)]
  }
]

const OPENING: Operation = {
  title: 'opening, until a first row is stored',
  operation: 'opening',
  unit: 'ms',
  contestants: CORE,
  targets: []
}

/** Bytes of the payloads. */
export const SMALL = 100
const LARGE = 4096

interface Sizes {
  readonly small: number
  readonly large: number
  readonly long: number
}

const SIZES: Sizes = { small: 200_000, large: 20_000, long: 5_000_000 }
const QUICK_SIZES: Sizes = { small: 1000, large: 200, long: 5000 }
const LONG_TIMEOUT_MS = 30 * 60_000
/** No row of large payloads below this part of the engine's own number. */
const LEAST_OF_ENGINE = 0.7

/** The rows of the table, in order. */
export function rowsOf({ quick, long }: { quick: boolean; long: boolean }): readonly Row[] {
  const sizes = quick ? QUICK_SIZES : SIZES
  const small = [...OPERATIONS, ...LOOP_OPERATIONS, OPENING].map((operation) =>
    rowOf(operation, SMALL, sizes.small, operation.targets)
  )
  // What is only to show that everything works does so with small payloads.
  const large = (quick ? [] : OPERATIONS)
    .filter(({ targets }) => targets.length > 0)
    .map((operation) => {
      const least =
        operation.unit === 'µs' ? atMost(1 / LEAST_OF_ENGINE, ENGINE) : atLeast(LEAST_OF_ENGINE, ENGINE)
      const row = rowOf(operation, LARGE, sizes.large, [least])
      return { ...row, title: `${operation.title}, 4 KiB`, contestants: CORE }
    })
  return [...small, ...large, ...(long ? longRows(sizes) : [])]
}

/** Each against our own number with fewer rows. */
function longRows(sizes: Sizes): Row[] {
  const rows = OPERATIONS.filter(({ operation }) => /^puts-|^gets-64/.test(operation)).map((operation) => {
    const fewer = `${operation.operation}/${SMALL}/${sizes.small}`
    const target: Target = { ...atLeast(0.6, 'persistency'), measure: fewer }
    return {
      ...rowOf(operation, SMALL, sizes.long, [target]),
      title: `${operation.title}, 5 M rows`,
      contestants: [
        ...CORE.filter((contestant) => contestant !== 'worker'),
        ...(operation.operation.startsWith('puts-') ? ([BULK] as const) : [])
      ],
      timeoutMs: LONG_TIMEOUT_MS
    }
  })
  const once = rows
    .filter(({ measure }) => measure.startsWith('gets'))
    .map((row) => ({
      ...row,
      title: `${row.title}, each once`,
      measure: row.measure.replace('gets-64', 'gets-64-once')
    }))
  const mapped = once.map((row) => ({
    ...row,
    title: `${row.title}, mapped`,
    contestants: [MAPPED] as const
  }))
  return [...rows, ...once, ...mapped]
}

function rowOf(operation: Operation, bytes: number, rows: number, targets: readonly Target[]): Row {
  const measureOf = (name: string): string => (name.includes('/') ? name : `${name}/${bytes}/${rows}`)
  return {
    title: operation.title,
    measure: measureOf(operation.operation),
    unit: operation.unit,
    contestants: operation.contestants,
    targets: targets.map((target) =>
      target.measure === undefined ? target : { ...target, measure: measureOf(target.measure) }
    )
  }
}
