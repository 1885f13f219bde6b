/** Owns the torture by deaths of storage threads of jobs with `restart`: one death, or several one after the other. */
import { join } from 'node:path'
import { check, checkEqual } from '../lib/checks.mjs'
import { runChild } from '../lib/children.js'
import type { Random } from '../lib/random.js'
import type { Scenario } from '../lib/scenario.js'

const POINTS = ['idle', 'writing', 'committed', 'reading', 'closing'] as const
const WAYS = ['terminate', 'exception', 'exit', 'memory'] as const
/** How often a thread may die, one after the other, without having done anything. */
const MOST_DEATHS = 3

interface Death {
  readonly point: (typeof POINTS)[number] | 'opening'
  readonly how: (typeof WAYS)[number]
}

/** What the child tells of a series of deaths; see `children/worker-restart.mjs`. */
interface Report {
  readonly deaths: readonly Death[]
  /** Of each death, whether it came about. */
  readonly struck: readonly boolean[]
  readonly calls: Readonly<Record<string, string>>
  readonly committed: readonly (readonly [number, number])[]
  readonly failed: readonly (readonly [number, string])[]
  readonly resent: readonly number[]
  readonly jobFailed: readonly string[]
  readonly queued: { readonly bytes: number; readonly ops: number }
  readonly bystander: string
  readonly closed: string
  /** The events that a live reader was given, and the code with which that ended. */
  readonly seen: readonly number[]
  readonly ended?: string
  readonly file: Contents
  readonly sibling: {
    readonly write: string
    readonly read: string
    readonly closed: string
    readonly file: Contents
  }
}

/** What the child tells of a death while the step of a subscription is stored. */
interface StepReport extends Death {
  readonly handled: readonly number[]
  readonly caughtUp: string
  readonly struck: boolean
  readonly closed: string
  readonly file: Contents
}

/** What the child tells of a death behind a transaction in which every write has failed. */
interface RefusalReport extends Death {
  readonly failed: readonly number[]
  readonly refused: readonly string[]
  readonly after: string
  readonly struck: boolean
  readonly closed: string
  readonly file: Contents
}

interface Contents {
  readonly rows: number
  readonly counter: number
  readonly events?: number
  readonly left: number
}

/** As in the child. */
const WRITES = 60
const FAILING = [7, 14, 21, 28, 35, 42, 49, 56]
const APPLIED = WRITES - FAILING.length

const STEPS: readonly Death[] = (['writing', 'committed'] as const).flatMap((point) =>
  WAYS.map((how) => ({ point, how }))
)
const SINGLE: readonly Death[] = POINTS.flatMap((point) => WAYS.map((how) => ({ point, how })))

export const workerRestart: Scenario = {
  name: 'worker-restart',
  promise:
    'a job with `restart` outlives its storage threads: every accepted write is applied, once and in order',
  rounds: { short: 1, long: 30 },
  async round({ random, folder, form, count }) {
    // The short form takes some of the single deaths, others each time.
    const some = (deaths: readonly Death[], share: number): Death[] =>
      form === 'long' ? [...deaths] : deaths.filter(() => random.chance(share))
    for (const threads of ['dedicated', { shared: 1 }] as const) {
      const series = [...some(SINGLE, 0.2).map((death) => [death]), ...severalIn(random)]
      const steps = some(STEPS, 0.1)
      const refusals = some(STEPS, 0.1)
      const root = join(folder, typeof threads === 'string' ? threads : 'shared')
      const told = await runChild('worker-restart', { root, series, steps, refusals, threads })
      checkEqual(told.length, series.length + steps.length + refusals.length, 'deaths that were told of')
      const stepsTold = told.splice(series.length, steps.length)
      for (const report of told.splice(series.length) as RefusalReport[]) checkRefusal(report)
      for (const report of stepsTold as StepReport[]) checkStep(report)
      for (const report of told as Report[]) {
        const what = `${report.deaths.map(({ point, how }) => `${how} while ${point}`).join(', then ')}, ${JSON.stringify(threads)}`
        if (report.deaths.length > MOST_DEATHS) checkGivenUp(report, what)
        else checkOutlived(report, what)
        checkOthers(report, threads === 'dedicated', what)
        for (const { how } of report.deaths) count(`deaths by ${how}`)
        count(
          'writes sent again',
          report.resent.reduce((sum, resent) => sum + resent, 0)
        )
      }
    }
  }
}

/**
 * Deaths in a row: as the file is opened, and at the same write each time. The last one is once too often. An exception
 * ends a thread a moment later, when it may have done something.
 */
function severalIn(random: Random): Death[][] {
  const at = (point: Death['point']): Death => ({
    point,
    how: random.pick(WAYS.filter((how) => how !== 'exception'))
  })
  return [
    [at('idle'), at('opening'), at('opening')],
    [at('writing'), at('opening'), at('writing')],
    [at('writing'), at('writing'), at('writing'), at('writing')]
  ]
}

function checkOutlived(report: Report, what: string): void {
  checkEqual(report.struck.every(Boolean), true, `${what}: came about`)
  for (const [call, outcome] of Object.entries(report.calls)) {
    checkEqual(outcome, expected(call, outcome), `${what}: ${call}`)
  }
  checkEqual([report.jobFailed, report.ended], [[], undefined], `${what}: JobFailed`)
  checkEqual(report.queued, { bytes: 0, ops: 0 }, `${what}: queue`)
  checkEqual(
    report.failed,
    FAILING.map((seq) => [seq, 'ERR_CONFLICT']),
    `${what}: failures`
  )
  // Failed ones lie in between.
  const covered = report.committed.flatMap(([first, last]) => numbersIn(first, last))
  const committed = covered.filter((seq) => !FAILING.includes(seq))
  checkEqual(
    committed,
    numbersIn(1, WRITES).filter((seq) => !FAILING.includes(seq)),
    `${what}: commits`
  )
  checkEqual(
    report.file,
    { rows: APPLIED + 1, counter: WRITES, events: APPLIED, left: 0 },
    `${what}: what is stored`
  )
  // A reader that is behind when the job closes stops where it is.
  checkEqual(report.seen, numbersIn(1, report.seen.length), `${what}: events that were read`)
  check(report.seen.length >= 2, `${what}: no events were read`)
  if (report.deaths[0]?.point !== 'closing')
    checkEqual(report.seen.length, APPLIED, `${what}: events that were read`)
}

/** Deletes may be lost sight of; everything else comes to what it would have come to. */
function expected(call: string, outcome: string): string {
  if (call === 'deleteAcked') return outcome === 'ERR_STORAGE_DIED' ? outcome : 'ok'
  if (call === 'flush') return 'ERR_WRITES_LOST'
  return FAILING.some((seq) => call === `persistAcked ${seq}`) ? 'ERR_CONFLICT' : 'ok'
}

/** A storage that dies each time is given up: whatever is not known to be committed is told as lost. */
function checkGivenUp(report: Report, what: string): void {
  for (const [call, outcome] of Object.entries(report.calls)) {
    const settled = ['ok', 'ERR_STORAGE_DIED', 'ERR_JOB_CLOSED', 'ERR_CONFLICT', 'ERR_WRITES_LOST']
    check(settled.includes(outcome), `${what}: ${call} came to ${outcome}`)
  }
  checkEqual(
    [report.jobFailed, report.ended],
    [['ERR_STORAGE_DIED'], 'ERR_STORAGE_DIED'],
    `${what}: JobFailed`
  )
  const covered = report.committed.flatMap(([first, last]) => numbersIn(first, last))
  const told = [...covered.filter((seq) => !report.failed.some(([failed]) => failed === seq))]
  const all = [...told, ...report.failed.map(([seq]) => seq)].sort((one, other) => one - other)
  checkEqual(all, numbersIn(1, WRITES), `${what}: outcomes`)
}

function checkOthers(report: Report, alone: boolean, what: string): void {
  checkEqual([report.closed, report.sibling.closed], ['ok', 'ok'], `${what}: closing`)
  checkEqual(report.bystander, alone ? 'ok' : 'ERR_JOB_CLOSED', `${what}: a job without restart`)
  if (!alone && report.deaths.length > MOST_DEATHS) return
  const { write, read, file } = report.sibling
  checkEqual([write, read], ['ok', 'ok'], `${what}: another job with restart`)
  checkEqual(file, { rows: 3, counter: 2, left: 0 }, `${what}: what another job has stored`)
}

/** Its handler is called once for each event, and what it answers is stored once with the checkpoint. */
function checkStep(report: StepReport): void {
  const what = `${report.how} while ${report.point}, of a step`
  checkEqual([report.struck, report.caughtUp, report.closed], [true, 'ok', 'ok'], what)
  checkEqual(report.handled, numbersIn(1, 5), `${what}: events that were handled`)
  checkEqual(report.file, { rows: 6, counter: 5, events: 10, left: 0 }, `${what}: what is stored`)
}

/** What has failed unheard has failed once, and leaves those behind it as they are. */
function checkRefusal(report: RefusalReport): void {
  const what = `${report.how} while ${report.point}, of writes that fail`
  checkEqual([report.struck, report.after, report.closed], [true, 'ok', 'ok'], what)
  checkEqual(
    report.refused,
    Array.from({ length: 5 }, () => 'ERR_CONFLICT'),
    `${what}: outcomes`
  )
  checkEqual(report.failed, numbersIn(2, 6), `${what}: PersistFailed`)
  checkEqual(report.file, { rows: 1, counter: 3, left: 0 }, `${what}: what is stored`)
}

function numbersIn(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
