/** Owns the long form: `npm run torture` runs every scenario, or those that are named, and sums up what came of it. */
import { parseArgs } from 'node:util'
import { describeOutcome, type Outcome, runScenario } from './lib/run-scenario.js'
import { SCENARIOS } from './scenarios.js'

const USAGE = `npm run torture -- [options]

  --seed N       what chance decides; the same seed tries the same (default: a new one, printed)
  --only NAME    only scenarios whose name starts so; may be repeated
  --rounds N     rounds of each scenario (default: its own number)
  --minutes N    at most so long per scenario
  --from N       the first round, to repeat one that failed
  --short        the numbers of rounds of \`npm test\`
  --list         names the scenarios`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string' },
    short: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

if (values.help) console.log(USAGE)
else if (values.list) for (const { name, promise } of SCENARIOS) console.log(`${name}: ${promise}`)
else process.exitCode = await torture()

async function torture(): Promise<number> {
  const seed = numberOf('seed', values.seed) ?? Math.floor(Math.random() * 2 ** 31)
  const chosen = SCENARIOS.filter(
    ({ name }) => values.only.length === 0 || values.only.some((start) => name.startsWith(start))
  )
  if (chosen.length === 0) {
    console.error(`no scenario is named so; there are ${SCENARIOS.map(({ name }) => name).join(', ')}`)
    return 2
  }
  const rounds = numberOf('rounds', values.rounds)
  const minutes = numberOf('minutes', values.minutes)
  const from = numberOf('from', values.from)
  console.log(`seed ${seed}, ${chosen.length} scenarios, Node.js ${process.version}`)
  const outcomes: Outcome[] = []
  for (const scenario of chosen) {
    const outcome = await runScenario(scenario, {
      form: values.short ? 'short' : 'long',
      seed,
      ...(rounds !== undefined && { rounds }),
      ...(from !== undefined && { from }),
      ...(minutes !== undefined && { limitMs: minutes * 60_000 }),
      onRound: (done, of) => showProgress(`${scenario.name} ${done} of ${of}`)
    })
    showProgress('')
    outcomes.push(outcome)
    for (const line of describeOutcome(outcome, seed)) console.log(line)
  }
  const broken = outcomes.filter(({ failures }) => failures.length > 0)
  console.log(`${outcomes.length - broken.length} scenarios held, ${broken.length} broken (seed ${seed})`)
  return broken.length === 0 ? 0 : 1
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`--${option} takes a number; got ${text}`)
  return value
}

/** One line that is overwritten; nothing when nobody watches. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
