/** Owns what the numbers mean: medians, ratios, and whether a row reached what it was to reach. */
import { keyOf, type Measurement, type Numbers } from '../lib/rounds.js'
import { median } from '../lib/statistics.js'
import { formatNumber, formatTable } from '../lib/table.js'
import { BASELINE, type Row } from './rows.js'

export interface PeerResult {
  readonly peer: string
  readonly value: number
  /** How many times better this package is, as the median over the rounds; below 1 it is behind. */
  readonly ratio: number
}

export interface RowResult {
  readonly title: string
  readonly unit: '1/s' | 'µs'
  readonly ours: number
  readonly rounds: readonly number[]
  readonly peers: readonly PeerResult[]
  readonly target: number | undefined
  /** `undefined` when there is nothing to reach. */
  readonly reached: boolean | undefined
}

/** What has to be measured for a row; this package comes first. */
export function measurementsOf(row: Row): Measurement[] {
  const { measure, theirs = measure } = row
  const of = (contestant: string, what: string): Measurement => {
    return { contestant, measure: what, file: new URL(`./trials/${contestant}.mjs`, import.meta.url) }
  }
  return [of('ours', measure), ...row.peers.map((peer) => of(peer, theirs))]
}

export function resultOf(row: Row, numbers: Numbers): RowResult {
  const [ours = [], ...theirs] = measurementsOf(row).map((it) => numbers.get(keyOf(it)) ?? [])
  const value = median(ours)
  const peers = row.peers.map((peer, i) => {
    const rounds = theirs[i] ?? []
    const ratios = rounds.map((other, round) => advantage(row, ours[round] ?? Number.NaN, other))
    return { peer, value: median(rounds), ratio: median(ratios) }
  })
  const rivals = peers.filter(({ peer }) => peer !== BASELINE)
  const hasGoal = row.target !== undefined || rivals.length > 0
  const reached = reachesTarget(row, value) && rivals.every(({ ratio }) => ratio > 1)
  return {
    title: row.title,
    unit: row.micros ? 'µs' : '1/s',
    ours: value,
    rounds: ours,
    peers,
    target: row.target,
    reached: hasGoal ? reached : undefined
  }
}

export function resultTable(results: readonly RowResult[]): string {
  const lines = results.map(({ title, unit, ours, peers, target, reached }) => [
    title,
    formatNumber(ours),
    peers.map(({ peer, value, ratio }) => `${peer} ${formatNumber(value)} (${ratio.toFixed(2)}x)`).join(', '),
    target === undefined ? '' : `${unit === 'µs' ? '<' : '>='} ${formatNumber(target)}`,
    reached === undefined ? '' : reached ? 'yes' : 'no'
  ])
  return formatTable(['row', 'ours', 'others (how far ahead we are)', 'target', 'reached'], lines)
}

function advantage(row: Row, ours: number, theirs: number): number {
  return row.micros ? theirs / ours : ours / theirs
}

function reachesTarget({ target, micros }: Row, value: number): boolean {
  if (target === undefined) return true
  return micros ? value < target : value >= target
}
