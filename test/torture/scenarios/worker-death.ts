/** Owns the torture by deaths of storage threads: at each point of their life, in each way a thread can die. */
import { join } from 'node:path'
import { check, checkEqual } from '../lib/checks.mjs'
import { runChild } from '../lib/children.js'
import type { Scenario } from '../lib/scenario.js'

const POINTS = ['opening', 'idle', 'writing', 'reading', 'closing'] as const
const WAYS = ['terminate', 'exception', 'exit', 'memory'] as const

interface Death {
  readonly point: (typeof POINTS)[number]
  readonly how: (typeof WAYS)[number]
}

/** What the child tells of one death; see `children/worker-death.mjs`. */
interface Report extends Death {
  /** Whether the fault came about. */
  readonly struck: boolean
  /** By call: `ok`, a code, or `hung`. */
  readonly calls: Readonly<Record<string, string>>
  readonly committed: readonly (readonly [number, number])[]
  readonly failed: readonly number[]
  readonly jobFailed: readonly string[]
  readonly queued?: { readonly bytes: number; readonly ops: number }
  readonly has: boolean
  readonly sibling: string
  readonly again: string
  readonly after?: string
  /** The numbers of the rows that are there after the job was opened again. */
  readonly rows: readonly number[]
}

const ALL: readonly Death[] = POINTS.flatMap((point) => WAYS.map((how) => ({ point, how })))

/** What a call may come to when its storage dies under it. */
const ALLOWED = ['ok', 'ERR_STORAGE_DIED', 'ERR_JOB_CLOSED']
/** Writes are numbered from 1; these carry one operation each, and the one after them two. */
const SINGLE_WRITES = [1, 2, 3, 4, 5, 6, 7, 8]
const LAST_SEQ = 9

export const workerDeath: Scenario = {
  name: 'worker-death',
  promise: 'a storage thread that dies, wherever and however, takes only its own job with it',
  rounds: { short: 1, long: 40 },
  async round({ random, folder, count }) {
    const deaths = [...ALL].sort(() => random.unit() - 0.5)
    const reports = (await runChild('worker-death', { root: join(folder, 'data'), deaths })) as Report[]
    checkEqual(reports.length, deaths.length, 'deaths that were told of')
    for (const report of reports) {
      checkReport(report)
      count(`deaths by ${report.how}`)
    }
  }
}

function checkReport(report: Report): void {
  const what = `${report.how} while ${report.point}`
  check(report.struck, `${what}: did not come about`)
  for (const [call, outcome] of Object.entries(report.calls)) {
    check(ALLOWED.includes(outcome), `${what}: ${call} came to ${outcome}`)
  }
  checkEqual([report.has, report.sibling, report.again], [false, 'ok', 'ok'], `${what}: afterwards`)
  if (report.point === 'opening') {
    checkEqual(report.calls, { openJob: 'ERR_STORAGE_DIED' }, what)
    return
  }
  checkEqual([report.after, report.queued], ['ok', { bytes: 0, ops: 0 }], `${what}: afterwards`)
  // An exception that nobody catches ends the thread a moment later: by then the closing may be done.
  const closed = report.point === 'closing' && report.how === 'exception' && report.calls['close'] === 'ok'
  if (!closed || report.jobFailed.length > 0) {
    checkEqual(report.jobFailed, ['ERR_STORAGE_DIED'], `${what}: JobFailed`)
  }
  checkWrites(report, what)
}

/** Each accepted write has one outcome, and what is there agrees with it. */
function checkWrites(report: Report, what: string): void {
  const { committed, failed, rows, calls } = report
  const isCommitted = (seq: number): boolean => committed.some(([first, last]) => seq >= first && seq <= last)
  const accepted = calls['persist 3'] === 'ok' ? [...SINGLE_WRITES, LAST_SEQ] : [1, 2]
  for (const seq of accepted) {
    const outcomes = failed.filter((one) => one === seq).length + (isCommitted(seq) ? 1 : 0)
    checkEqual(outcomes, 1, `${what}: outcomes of write ${seq}`)
    // Number and sequence agree up to the last write, which stores two rows. A failed one may be there or not.
    if (isCommitted(seq)) check(rows.includes(seq), `${what}: write ${seq} was committed and is gone`)
  }
  check(rows.includes(9) === rows.includes(10), `${what}: half of the batch is there: ${rows.join(' ')}`)
  const stored = rows.filter((n) => n < 9)
  checkEqual(stored, SINGLE_WRITES.slice(0, stored.length), `${what}: rows without a hole`)
}
