/** Owns what the numbers mean: medians, ratios, and whether each target is reached. */
import { type Gap, keyOf, type Measurement, type Numbers } from '../lib/rounds.js'
import { median } from '../lib/statistics.js'
import { formatNumber, formatTable } from '../lib/table.js'
import { CONTESTANTS, type Contestant, type Row, type Target, type Unit } from './rows.js'

export interface ContestantResult {
  readonly contestant: Contestant
  /** The median of the rounds; `undefined` when there is none. */
  readonly value: number | undefined
  readonly rounds: readonly number[]
  /** Our number divided by this one: the median of what it was in each round. */
  readonly ratio: number | undefined
}

export interface TargetResult {
  /** As in `>= 1.2 x classic-level`. */
  readonly target: string
  /** The number the bound is on. */
  readonly value: number | undefined
  /** What it was in each round. */
  readonly rounds: readonly number[]
  /** `undefined` when it could not be measured. */
  readonly reached: boolean | undefined
}

export interface RowResult {
  readonly title: string
  readonly measure: string
  readonly unit: Unit
  readonly contestants: readonly ContestantResult[]
  readonly targets: readonly TargetResult[]
}

const TRIAL = new URL('./trials/run.mjs', import.meta.url)

/** What has to be measured for a row; this package comes first. */
export function measurementsOf(row: Row, directory: string): Measurement[] {
  const of = (contestant: Contestant, measure: string): Measurement => ({
    contestant,
    measure,
    file: TRIAL,
    args: [contestant, measure, directory],
    ...(row.timeoutMs === undefined ? {} : { timeoutMs: row.timeoutMs })
  })
  const elsewhere = row.targets.filter(({ measure }) => measure !== undefined)
  return [
    ...row.contestants.map((contestant) => of(contestant, row.measure)),
    ...elsewhere.map((target) => of(target.of ?? 'persistency', target.measure ?? row.measure))
  ]
}

export function resultOf(row: Row, numbers: Numbers): RowResult {
  const [first = 'persistency'] = row.contestants
  const ours = roundsOf(numbers, first, row.measure)
  return {
    title: row.title,
    measure: row.measure,
    unit: row.unit,
    contestants: row.contestants.map((contestant) => {
      const rounds = roundsOf(numbers, contestant, row.measure)
      return { contestant, value: medianOf(rounds), rounds, ratio: medianOf(ratiosOf(ours, rounds)) }
    }),
    targets: row.targets.map((target) => targetResult(target, row, ours, numbers))
  }
}

/** What is asked of a number of ours alone. */
export function reaches(value: number | undefined, { sign, bound }: Target): boolean | undefined {
  if (value === undefined) return undefined
  return sign === '>=' ? value >= bound : value <= bound
}

/** The numbers of everyone, a line for each row. */
export function numbersTable(results: readonly RowResult[], gaps: readonly Gap[]): string {
  const shown = CONTESTANTS.filter((name) =>
    results.some(({ contestants }) => contestants.some(({ contestant }) => contestant === name))
  )
  const lines = results.map(({ title, measure, unit, contestants }) => [
    title,
    unit,
    ...shown.map((name) => {
      const result = contestants.find(({ contestant }) => contestant === name)
      if (result?.value !== undefined) return formatNumber(result.value)
      return gaps.find((gap) => keyOf(gap) === keyOf({ contestant: name, measure }))?.kind ?? ''
    })
  ])
  return formatTable(['row', 'unit', ...shown], lines)
}

/** What was to be reached, a line for each target. */
export function targetsTable(results: readonly RowResult[]): string {
  const lines = results.flatMap(({ title, targets }) =>
    targets.map(({ target, value, rounds, reached }) => [
      title,
      target,
      value === undefined ? '' : formatNumber(value),
      rounds.length < 2 ? '' : `${formatNumber(Math.min(...rounds))} to ${formatNumber(Math.max(...rounds))}`,
      reached === undefined ? 'not measured' : reached ? 'yes' : 'NO'
    ])
  )
  return formatTable(['row', 'target', 'is', 'in the rounds', 'reached'], lines)
}

function targetResult(target: Target, row: Row, ours: readonly number[], numbers: Numbers): TargetResult {
  const { sign, bound, of, measure = row.measure } = target
  const rounds = of === undefined ? ours : ratiosOf(ours, roundsOf(numbers, of, measure))
  const value = medianOf(rounds)
  const against = of === undefined ? row.unit : `x ${of}${measure === row.measure ? '' : ` ${measure}`}`
  return {
    target: `${sign} ${Number(bound.toFixed(2))} ${against}`,
    value,
    rounds,
    reached: reaches(value, target)
  }
}

function roundsOf(numbers: Numbers, contestant: Contestant, measure: string): readonly number[] {
  return numbers.get(keyOf({ contestant, measure })) ?? []
}

function medianOf(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : median(values)
}

/** Numbers of one round are compared with each other: the machine was equally busy then. */
function ratiosOf(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  if (ours.length !== theirs.length) return []
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
}
