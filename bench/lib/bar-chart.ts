/** Owns bar charts as SVG, readable on light and on dark backgrounds. Knows nothing of benchmarks. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** What to write behind the bar. */
  readonly text: string
  /** Stands out from the others. */
  readonly strong: boolean
}

export interface BarGroup {
  readonly title: string
  /** Drawn in proportion to the largest of the group. */
  readonly bars: readonly Bar[]
}

const COLUMNS = 2
const COLUMN_WIDTH = 540
const LABEL_WIDTH = 160
const BAR_WIDTH = 300
const BAR_HEIGHT = 14
const LINE_HEIGHT = 19
const TITLE_HEIGHT = 24
const GROUP_GAP = 14

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 13px }
  .label { text-anchor: end }
  .bar { fill: #8c959f }
  .strong { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #6e7681 }
    .strong { fill: #58a6ff }
  }
`

/** Draws the groups in two columns, down the first one and then down the second. */
export function barChart(heading: string, groups: readonly BarGroup[]): string {
  const parts = [`<text class="title" x="8" y="18">${escaped(heading)}</text>`]
  const perColumn = Math.ceil(groups.length / COLUMNS)
  let height = 0
  for (let column = 0; column < COLUMNS; column++) {
    let top = TITLE_HEIGHT + GROUP_GAP
    for (const group of groups.slice(column * perColumn, (column + 1) * perColumn)) {
      parts.push(drawnGroup(group, column * COLUMN_WIDTH, top))
      top += heightOf(group)
    }
    height = Math.max(height, top)
  }
  const width = COLUMNS * COLUMN_WIDTH
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
  const body = parts.join('\n')
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">\n<style>${STYLE}</style>\n${body}\n</svg>\n`
}

function heightOf({ bars }: BarGroup): number {
  return TITLE_HEIGHT + bars.length * LINE_HEIGHT + GROUP_GAP
}

function drawnGroup({ title, bars }: BarGroup, left: number, top: number): string {
  const largest = Math.max(...bars.map(({ value }) => value))
  const heading = `<text class="title" x="${left + 8}" y="${top + 12}">${escaped(title)}</text>`
  const lines = bars.map((bar, line) => drawnBar(bar, left, top + TITLE_HEIGHT + line * LINE_HEIGHT, largest))
  return [heading, ...lines].join('\n')
}

function drawnBar({ label, value, text, strong }: Bar, left: number, top: number, largest: number): string {
  const width = Math.max(1, (value / largest) * BAR_WIDTH)
  const start = left + LABEL_WIDTH
  const baseline = top + BAR_HEIGHT - 3
  return [
    `<text class="label" x="${start}" y="${baseline}">${escaped(label)}</text>`,
    `<rect class="${strong ? 'bar strong' : 'bar'}" x="${start + 8}" y="${top}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<text x="${(start + 16 + width).toFixed(1)}" y="${baseline}">${escaped(text)}</text>`
  ].join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
