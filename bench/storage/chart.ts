/** Owns which results are drawn, and how: those with small payloads, which are enough for one look. */
import { type BarGroup, barChart } from '../lib/bar-chart.js'
import { formatNumber } from '../lib/table.js'
import type { RowResult } from './results.js'
import { SMALL } from './rows.js'

export function chartOf(results: readonly RowResult[], quick: boolean): string {
  const small = results.filter(({ measure }) => measure.includes(`/${SMALL}/`))
  const groups = small.map(groupOf).filter(({ bars }) => bars.length > 1)
  const heading = 'persistency and others, side by side in one run'
  return barChart(quick ? `${heading}: a quick one, whose numbers mean nothing` : heading, groups)
}

function groupOf({ title, unit, contestants }: RowResult): BarGroup {
  const direction = unit === 'rows/s' ? 'more is better' : 'less is better'
  const bars = contestants.flatMap(({ contestant, value }) => {
    if (value === undefined) return []
    return [{ label: contestant, value, text: formatNumber(value), strong: contestant === 'persistency' }]
  })
  return { title: `${title} (${unit}, ${direction})`, bars }
}
