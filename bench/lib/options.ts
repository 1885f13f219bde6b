/** Owns the command line that all benchmarks share. */
import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly rounds: number
  /** Small counts and one round: shows that the benchmark runs, not how fast anything is. */
  readonly quick: boolean
  /** Where to write the results as JSON. */
  readonly json: string | undefined
  /** Run only the rows whose title holds this text. */
  readonly only: string
}

export function benchOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      json: { type: 'string' },
      only: { type: 'string', default: '' }
    }
  })
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new RangeError('--rounds takes a positive integer')
  return { rounds, quick: values.quick, json: values.json, only: values.only }
}
