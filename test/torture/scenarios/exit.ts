/** Owns the torture by ends of the process that are not kills: everything accepted must be stored. */
import { join } from 'node:path'
import { check } from '../lib/checks.mjs'
import { linesOf, startChild } from '../lib/children.js'
import { BASIC_INVARIANTS, checkJobFile } from '../lib/job-file.js'
import { gapless, journalAndRowsAgree } from '../lib/journal-file.js'
import type { Scenario } from '../lib/scenario.js'

const WRITER = 1

/** How a program may end, and its exit code then. See `children/writer.mjs`. */
const ENDS: readonly (readonly [string, number])[] = [
  ['process.exit', 0],
  ['process.exit in a later turn', 0],
  ['process.exit while closing', 0],
  ['an uncaught exception', 1],
  ['an uncaught exception in a later turn', 1],
  ['an unhandled rejection', 1],
  ['a normal end', 0],
  ['a close that nobody waits for', 0]
]

/** Another number than that of the ends, so that each comes with each. */
const THREADS = ['dedicated', 'none', { shared: 2 }] as const

/** Those of the journal hold where there is none. */
const INVARIANTS = [...BASIC_INVARIANTS, gapless, journalAndRowsAgree]

export const exit: Scenario = {
  name: 'exit',
  promise: 'an end of the program by itself, by process.exit or by an exception loses no accepted write',
  rounds: { short: ENDS.length, long: 40 * ENDS.length },
  async round({ index, random, folder, count }) {
    const [end, expectedCode] = ENDS[index % ENDS.length] as (typeof ENDS)[number]
    const root = join(folder, 'data')
    const jobs = Array.from({ length: random.integer(1, 4) }, (_, at) => `job${at}`)
    const batches = random.pick([1, 50, 500, 3000])
    const jobOptions = {
      journal: random.chance(0.5),
      threads: THREADS[index % THREADS.length]
    }
    const { code, signal, stdout, stderr } = await startChild('writer', {
      ...{ root, jobs, writer: WRITER, mode: 'exit', batches, end, jobOptions }
    }).ended
    check(
      code === expectedCode && signal === null,
      `${end}: ended with code ${code}, signal ${signal}\n${stderr}`
    )
    const accepted = new Map<string, number>()
    for (const line of linesOf(stdout)) {
      const [what, id = '', n] = line.split(' ')
      if (what === 'Q') accepted.set(id, Number(n))
      check(what !== 'F', `${end}: a write failed: ${line}`)
    }
    for (const id of jobs) {
      const last = accepted.get(id)
      check(last !== undefined, `${end}: the program did not get so far\n${stderr}`)
      const known = new Map([[WRITER, { acked: last as number, accepted: last as number }]])
      checkJobFile(join(root, `${id}.db`), known, INVARIANTS)
      count('accepted batches', last)
    }
    count(`ends by ${end}`)
  }
}
