/** Owns the command line that all benchmarks share. */
import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly rounds: number
  /** Small counts, one round, several trials at once: shows that the benchmark runs, not how fast anything is. */
  readonly quick: boolean
  /** The rows that take minutes as well. */
  readonly long: boolean
  /** Where to write the results as JSON. */
  readonly json: string | undefined
  /** Where to draw the results as SVG. */
  readonly svg: string | undefined
  /** Run only the rows whose title holds this text. */
  readonly only: string
}

/** What a benchmark does when it is not told; `extras` are the options that not every benchmark has. */
export interface BenchDefaults {
  readonly rounds: number
  readonly extras: readonly ('long' | 'svg')[]
}

export function benchOptions(defaults: BenchDefaults): BenchOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      only: { type: 'string', default: '' }
    }
  })
  const { quick, long, json, svg, only } = values
  for (const extra of ['long', 'svg'] as const) {
    if (values[extra] && !defaults.extras.includes(extra))
      throw new RangeError(`this benchmark has no --${extra}`)
  }
  const rounds = Number(values.rounds ?? (quick ? 1 : defaults.rounds))
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new RangeError('--rounds takes a positive integer')
  return { rounds, quick, long, json, svg, only }
}
