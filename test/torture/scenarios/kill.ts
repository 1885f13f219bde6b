/**
 * Owns the torture by SIGKILL: a writer dies at a random moment, and what it was told is stored must be there; with a
 * journal, that has to agree with the rows, and a subscription has to go on where it was.
 */
import { join } from 'node:path'
import { type Job, type JobOptions, key, Persistency } from 'persistency'
import { COUNTER, unsealed } from '../lib/batches.mjs'
import { check } from '../lib/checks.mjs'
import { linesOf, startChild } from '../lib/children.js'
import { BASIC_INVARIANTS, checkJobFile, type Invariant, type Known } from '../lib/job-file.js'
import { gapless, journalAndRowsAgree } from '../lib/journal-file.js'
import { MIRROR, mirrorBatches, mirrored } from '../lib/mirror.mjs'
import type { Random } from '../lib/random.js'
import type { Round, Scenario } from '../lib/scenario.js'

export interface KillOptions {
  readonly name: string
  readonly promise?: string
  readonly shortRounds?: number
  /** What the jobs are opened with; rounds take turns. */
  readonly jobOptions?: readonly JobOptions[]
  /** Whether a subscription follows the batches; see `lib/mirror.mjs`. */
  readonly mirror?: boolean
  /** What must hold of the files besides {@link BASIC_INVARIANTS}. */
  readonly invariants?: readonly Invariant[]
}

const MODES = ['write', 'write', 'open', 'close', 'drop', 'checkpoint'] as const
const WRITER = 1
/** Nothing of the library is loaded before this; killing earlier would show nothing. */
const BOOT_MS = 40

interface Settings {
  readonly root: string
  readonly jobOptions: JobOptions
  readonly mirror: boolean
}

/** What the parent knows of a job; `dropping` is a removal without an outcome. */
interface Told {
  acked: number
  dropping: boolean
}

export function killScenario({
  name,
  promise = 'SIGKILL at any moment loses no acknowledged batch, tears none and leaves no hole',
  jobOptions: choices = [{}],
  mirror = false,
  shortRounds = 4,
  invariants = []
}: KillOptions): Scenario {
  return {
    name,
    promise,
    rounds: { short: shortRounds, long: 1000 },
    async round(round) {
      const jobOptions = choices[round.index % choices.length] as JobOptions
      const { random, folder } = round
      const root = join(folder, 'data')
      const jobs = Array.from({ length: random.integer(1, 3) }, (_, at) => `job${at}`)
      const told = new Map(jobs.map((id): [string, Told] => [id, { acked: 0, dropping: false }]))
      // Mostly one life; now and then the next one opens what the one before left.
      for (let lives = random.chance(0.3) ? 2 : 1; lives > 0; lives--) {
        const mode = MODES[(round.index + lives) % MODES.length] as (typeof MODES)[number]
        await liveAndDie(round, mode, { root, jobs, writer: WRITER, jobOptions, mirror }, told)
        for (const [id, { acked, dropping }] of told) {
          const known = new Map<number, Known>([[WRITER, { acked: dropping ? 0 : acked }]])
          checkJobFile(join(root, `${id}.db`), known, [...BASIC_INVARIANTS, ...invariants])
        }
        round.count(`kills during ${mode}`)
      }
      if (mirror || random.chance(0.4))
        await opensAgain(random.pick(jobs), { root, jobOptions, mirror }, told)
    }
  }
}

async function liveAndDie(
  round: Round,
  mode: (typeof MODES)[number],
  settings: Settings & { jobs: readonly string[]; writer: number },
  told: Map<string, Told>
): Promise<void> {
  const { random } = round
  const child = startChild('writer', { ...settings, mode: mode === 'open' ? 'close' : mode })
  if (mode !== 'open') await child.printed('ready')
  await pause(momentOf(mode, random))
  child.kill('SIGKILL')
  const { signal, stdout, stderr } = await child.ended
  check(signal === 'SIGKILL', `the writer ended by itself, by ${signal}: ${stderr}`)
  for (const line of linesOf(stdout)) {
    const [what, id = '', n] = line.split(' ')
    const job = told.get(id)
    check(what !== 'F', `a write failed before the kill: ${line}`)
    if (job === undefined) continue
    if (what === 'A') {
      job.acked = Number(n)
      round.count('acknowledged batches')
    } else if (what === 'X') job.dropping = true
    else if (what === 'D') Object.assign(job, { acked: 0, dropping: false })
  }
}

/** When to kill, in milliseconds: openings from the first instant on, the rest once it runs. */
function momentOf(mode: (typeof MODES)[number], random: Random): number {
  if (mode === 'open') return BOOT_MS + random.integer(0, 200)
  return random.integer(0, mode === 'checkpoint' ? 300 : 150)
}

async function opensAgain(
  id: string,
  { root, jobOptions, mirror }: Settings,
  told: Map<string, Told>
): Promise<void> {
  const owner = Persistency.open({ rootDir: root, ...jobOptions })._unsafeUnwrap()
  try {
    const job = (await owner.openJob(id))._unsafeUnwrap()
    const counter = (await job.get(COUNTER, key(WRITER)))._unsafeUnwrap()
    const last = counter === undefined ? 0 : (unsealed(counter)?.n ?? -1)
    const { acked, dropping } = told.get(id) as Told
    check(
      dropping || last >= acked,
      `job ${id} answers ${last} for its last batch, and ${acked} was acknowledged`
    )
    if (mirror) await goesOn(job, last)
    ;(
      await job.persistAcked({ kind: 'put', category: 'after', key: key(), payload: new Uint8Array(1) })
    )._unsafeUnwrap()
  } finally {
    await owner.close()
  }
}

/** The subscription goes on where it was, and is then told of every batch there is, once. */
async function goesOn(job: Job, last: number): Promise<void> {
  const subscription = await mirrorBatches(job, WRITER)
  ;(await subscription.caughtUp())._unsafeUnwrap()
  const row = mirrored((await job.get(MIRROR, key(WRITER)))._unsafeUnwrap())
  check(
    row.count === last && row.last === last,
    `of ${last} batches a subscription has ${JSON.stringify(row)}`
  )
  const { differing } = (await job.compareWithJournal())._unsafeUnwrap()
  check(differing === 0, `${differing} rows differ from the journal`)
}

/** At every moment the rows of a subscription are those of its checkpoint: each batch is in them once. */
const mirroredOnce: Invariant = ({ db, counters }) => {
  const rows = db.prepare('SELECT payload FROM kv WHERE category = ?').pluck().all(Buffer.from(MIRROR))
  return (rows as Buffer[]).flatMap((payload) => {
    const { count, last } = mirrored(payload)
    if (count === last && last <= (counters.get(WRITER) ?? 0)) return []
    return [`a subscription was told of ${count} batches, the last of them ${last}`]
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export const kill = killScenario({ name: 'kill' })

export const killWithJournal = killScenario({
  name: 'journal-kill',
  promise:
    'SIGKILL at any moment leaves journal and rows in agreement, and a subscription goes on exactly once',
  jobOptions: [{ journal: true }],
  mirror: true,
  shortRounds: 3,
  invariants: [gapless, journalAndRowsAgree, mirroredOnce]
})

/** Without a mirror: a subscription cannot go on when what it has not seen has fallen off. */
export const killWithLimits = killScenario({
  name: 'journal-limits-kill',
  promise: 'SIGKILL at any moment leaves snapshot, journal and rows in agreement while events fall off',
  jobOptions: [{ journal: { maxEvents: 30 } }, { journal: { maxBytes: 20_000 } }],
  shortRounds: 3,
  invariants: [gapless, journalAndRowsAgree]
})
