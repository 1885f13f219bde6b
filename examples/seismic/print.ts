/** What a person sees: a progress line while work goes on, and tables. */

export interface Column {
  readonly title: string
  readonly right?: boolean
}

export function printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
  console.log(`  ${line(columns.map(({ title }) => title))}`.trimEnd())
  console.log(`  ${widths.map((width) => '─'.repeat(width)).join('  ')}`)
  for (const row of rows) console.log(`  ${line(row)}`.trimEnd())
}

/** Draws over itself in a terminal; elsewhere only the finished line is printed. */
export class Progress {
  readonly #what: string
  readonly #total: number
  #drawn = -1

  constructor(what: string, total: number) {
    this.#what = what
    this.#total = total
  }

  update(done: number): void {
    const percent = Math.floor((done * 100) / Math.max(1, this.#total))
    if (!process.stdout.isTTY || percent === this.#drawn) return
    this.#drawn = percent
    const bar = '█'.repeat(Math.floor(percent / 4)).padEnd(25, '░')
    process.stdout.write(`\r${this.#what} ${bar} ${String(percent).padStart(3)} %`)
  }

  finish(text: string): void {
    process.stdout.write(`${process.stdout.isTTY ? '\r\x1b[K' : ''}${this.#what}: ${text}\n`)
  }
}
