/** Owns the layout of results as a table of text. */

/** Prints rows under headings; the first column is aligned to the left, all others to the right. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
      )
      .join('  ')
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  return [line(headings), rule, ...rows.map(line)].join('\n')
}

/** A number at a glance: `3.21 M`, `412 k`, `38.1`. */
export function formatNumber(value: number): string {
  // What is rounded to the next unit is of it.
  if (value >= 999.5e3) return `${(value / 1e6).toPrecision(3)} M`
  if (value >= 999.5) return `${(value / 1e3).toPrecision(3)} k`
  return value.toPrecision(3)
}
