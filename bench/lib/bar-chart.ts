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

const WIDTH = 760
const LABEL_WIDTH = 190
const BAR_WIDTH = 420
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

export function barChart(heading: string, groups: readonly BarGroup[]): string {
  const parts: string[] = [`<text class="title" x="8" y="18">${escaped(heading)}</text>`]
  let top = TITLE_HEIGHT + GROUP_GAP
  for (const { title, bars } of groups) {
    parts.push(`<text class="title" x="8" y="${top + 12}">${escaped(title)}</text>`)
    top += TITLE_HEIGHT
    const largest = Math.max(...bars.map(({ value }) => value))
    for (const bar of bars) {
      parts.push(drawn(bar, top, largest))
      top += LINE_HEIGHT
    }
    top += GROUP_GAP
  }
  const size = `width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}"`
  const body = parts.map((part) => `  ${part}\n`).join('')
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">\n<style>${STYLE}</style>\n${body}</svg>\n`
}

function drawn({ label, value, text, strong }: Bar, top: number, largest: number): string {
  const width = Math.max(1, (value / largest) * BAR_WIDTH).toFixed(1)
  const baseline = top + BAR_HEIGHT - 3
  const style = strong ? 'bar strong' : 'bar'
  return [
    `<text class="label" x="${LABEL_WIDTH}" y="${baseline}">${escaped(label)}</text>`,
    `<rect class="${style}" x="${LABEL_WIDTH + 8}" y="${top}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<text x="${LABEL_WIDTH + 16 + Number(width)}" y="${baseline}">${escaped(text)}</text>`
  ].join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
