/** Owns the torture by disks and files that go wrong: a typed error that names the file and a remedy, and no loss. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { Result } from 'neverthrow'
import { type Job, type JobOptions, key, Persistency, type PersistencyError } from 'persistency'
import { batchOps } from '../lib/batches.mjs'
import { check, checkEqual } from '../lib/checks.mjs'
import { runChild, startChild } from '../lib/children.js'
import { checkJobFile } from '../lib/job-file.js'
import type { Round, Scenario } from '../lib/scenario.js'

const WRITER = 1
const BATCHES = 30
const NOBODY = 65_534
const PAGE_BYTES = 4096
/** After this a storage looks again whether its file is in place, in milliseconds. */
const LOOKED_AGAIN_MS = 2

interface Refusal {
  readonly code: string
  readonly backendCode?: string | undefined
  /** What the message must name besides the file. */
  readonly remedy: RegExp
}

/** The error of an answer, which must be as expected and name the file. */
function checkRefused(
  answer: Result<unknown, PersistencyError>,
  file: string,
  { code, backendCode, remedy }: Refusal
): void {
  check(answer.isErr(), `expected ${code}, and it went well`)
  const { error } = answer
  checkEqual(error.code, code, error.message)
  if (backendCode !== undefined) checkEqual(error.backendCode?.startsWith(backendCode), true, String(error))
  check(error.message.includes(file), `does not name ${file}: ${error.message}`)
  check(remedy.test(error.message), `names no remedy: ${error.message}`)
}

async function withOwner<T>(root: string, body: (owner: Persistency) => Promise<T>): Promise<T> {
  const owner = Persistency.open(root)._unsafeUnwrap()
  try {
    return await body(owner)
  } finally {
    await owner.close()
  }
}

const openJob = async (owner: Persistency, options?: JobOptions): Promise<Job> =>
  (await owner.openJob('tenant', options))._unsafeUnwrap()

async function writeBatches(job: Job, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) (await job.persistAcked(batchOps(WRITER, n)))._unsafeUnwrap()
}

/** A file with batches in it, closed. */
async function prepared(folder: string, batches = BATCHES): Promise<{ root: string; file: string }> {
  const root = join(folder, 'data')
  await withOwner(root, async (owner) => writeBatches(await openJob(owner), 1, batches))
  return { root, file: join(root, 'tenant.db') }
}

const holds = (file: string, acked: number): void =>
  checkJobFile(file, new Map([[WRITER, { acked, accepted: acked }]]))

const CASES: Record<string, (round: Round) => Promise<void>> = {
  async 'a full disk'({ folder, skip }) {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    const mount = `mount -t tmpfs -o size=3m,mode=0700 tmpfs "${disk}"`
    if (spawnSync('unshare', ['-Urm', 'sh', '-c', mount]).status !== 0) {
      skip('a full disk: this user may not mount a tmpfs in a namespace of its own')
      return
    }
    const through = ['unshare', '-Urm', 'sh', '-c', `${mount} && exec "$0" "$@"`]
    await runChild('full-disk', { root: disk, limited: false }, { through })
  },

  async 'a limit on the size of files'({ folder, skip }) {
    if (process.platform === 'win32') {
      skip('a limit on the size of files: there is no ulimit')
      return
    }
    const through = ['sh', '-c', `trap '' XFSZ; ulimit -f 2048; exec "$0" "$@"`]
    await runChild('full-disk', { root: join(folder, 'data'), limited: true }, { through })
  },

  async 'a directory that is read-only'({ folder, skip }) {
    if (process.platform === 'win32') {
      skip('a directory that is read-only: Windows has no such directories')
      return
    }
    const isRoot = process.getuid?.() === 0
    if (isRoot) chownSync(folder, NOBODY, NOBODY)
    chmodSync(folder, 0o700)
    await runChild('read-only', { folder }, isRoot ? { uid: NOBODY, gid: NOBODY } : {})
  },

  async 'a file that is moved away while it is open'({ folder }) {
    const { root, file } = await prepared(folder)
    await withOwner(root, async (owner) => {
      const job = await openJob(owner)
      await writeBatches(job, BATCHES + 1, BATCHES + 2)
      for (const suffix of ['', '-wal', '-shm']) renameSync(`${file}${suffix}`, `${file}${suffix}.away`)
      await delay(LOOKED_AGAIN_MS)
      const refused = await job.persistAcked(batchOps(WRITER, BATCHES + 3))
      checkRefused(refused, file, {
        code: 'ERR_STORAGE',
        backendCode: 'SQLITE_READONLY',
        remedy: /put it back/
      })
      for (const suffix of ['', '-wal', '-shm']) renameSync(`${file}${suffix}.away`, `${file}${suffix}`)
      await writeBatches(job, BATCHES + 3, BATCHES + 3)
    })
    holds(file, BATCHES + 3)
  },

  async 'a file that is replaced while it is open'({ folder }) {
    const { root, file } = await prepared(folder)
    const backup = join(folder, 'backup.db')
    copyFileSync(file, backup)
    await withOwner(root, async (owner) => {
      const job = await openJob(owner)
      await writeBatches(job, BATCHES + 1, BATCHES + 1)
      copyFileSync(backup, `${file}.new`)
      renameSync(`${file}.new`, file)
      await delay(LOOKED_AGAIN_MS)
      const refused = await job.persistAcked(batchOps(WRITER, BATCHES + 2))
      checkRefused(refused, file, {
        code: 'ERR_STORAGE',
        backendCode: 'SQLITE_READONLY',
        remedy: /put it back/
      })
      await job.close()
    })
  },

  async 'a file that is cut while it is open'({ folder, random }) {
    const { root, file } = await prepared(folder, 400)
    copyFileSync(file, join(folder, 'backup.db'))
    await withOwner(root, async (owner) => {
      const job = await openJob(owner, { cacheSizeBytes: 64 * 1024 })
      truncateSync(file, random.integer(0, 3) * PAGE_BYTES)
      const answers = await Promise.all([
        job.scan('batch', key()),
        job.count('batch', key()),
        job.persistAcked(batchOps(WRITER, 401)),
        job.flush()
      ])
      const refused = answers.filter((answer) => answer.isErr())
      check(refused.length > 0, 'a cut file was read and written as if it were whole')
      for (const answer of refused)
        checkRefused(answer, file, { code: 'ERR_STORAGE', remedy: /damaged|disk|not a SQLite/ })
      await job.close()
      await owner.dropJob('tenant')
      copyFileSync(join(folder, 'backup.db'), file)
      await writeBatches(await openJob(owner), 401, 402)
    })
    holds(file, 402)
  },

  async 'a page that is damaged'({ folder, random }) {
    const { root, file } = await prepared(folder, 400)
    const bytes = readFileSync(file)
    const damaged = Buffer.from(bytes)
    // Any page but the first, which is what makes the file a database at all.
    const page = random.integer(1, bytes.length / PAGE_BYTES - 1)
    damaged.fill(0xff, page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
    writeFileSync(file, damaged)
    await withOwner(root, async (owner) => {
      const opened = await owner.openJob('tenant')
      const answers = opened.isErr()
        ? [opened]
        : await Promise.all([opened.value.scan('batch', key()), opened.value.scan('counter', key())])
      const refused = answers.filter((answer) => answer.isErr())
      check(refused.length > 0, `damage to page ${page} went unnoticed`)
      for (const answer of refused) {
        checkEqual(answer.error.backendCode?.startsWith('SQLITE_CORRUPT'), true, String(answer.error))
        checkRefused(answer, file, { code: answer.error.code, remedy: /restore it from a backup/ })
      }
      if (opened.isOk()) await opened.value.close()
      writeFileSync(file, bytes)
      await writeBatches(await openJob(owner), 401, 401)
    })
    holds(file, 401)
  },

  async 'a write-ahead log that is damaged'({ folder, random }) {
    const root = join(folder, 'data')
    const file = join(root, 'tenant.db')
    const child = startChild('writer', { root, jobs: ['tenant'], writer: WRITER, mode: 'write' })
    await child.printed('A tenant')
    await delay(50)
    child.kill('SIGKILL')
    await child.ended
    const log = readFileSync(`${file}-wal`)
    check(log.length > 100, 'there is no log to be damaged')
    const at = random.integer(32, log.length - 17)
    log.set(random.bytes(16), at)
    writeFileSync(`${file}-wal`, log)
    // What lies behind the damage is lost with it; what is before must be whole and the file must work.
    await withOwner(root, async (owner) => {
      const job = await openJob(owner)
      ;(
        await job.persistAcked({ kind: 'put', category: 'after', key: key(), payload: new Uint8Array(1) })
      )._unsafeUnwrap()
    })
    checkJobFile(file, new Map())
  },

  async 'the database of another program'({ folder }) {
    const root = join(folder, 'data')
    mkdirSync(root)
    const file = join(root, 'tenant.db')
    const other = new Database(file)
    other.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")
    other.close()
    await refusedUnchanged(root, file, { code: 'ERR_FOREIGN_SCHEMA', remedy: /move it away|another job id/ })
  },

  async 'a file of a later release'({ folder, random }) {
    const { root, file } = await prepared(folder)
    const db = new Database(file)
    db.pragma(`user_version = ${random.pick([2, 3, 99, -1, 2 ** 31 - 1])}`)
    db.close()
    await refusedUnchanged(root, file, { code: 'ERR_VERSION', remedy: /another program or a later release/ })
    const mended = new Database(file)
    mended.pragma('user_version = 1')
    mended.close()
    await withOwner(root, async (owner) => writeBatches(await openJob(owner), BATCHES + 1, BATCHES + 1))
    holds(file, BATCHES + 1)
  },

  async 'a file that is no database'({ folder, random }) {
    const root = join(folder, 'data')
    mkdirSync(root)
    const file = join(root, 'tenant.db')
    writeFileSync(file, random.bytes(random.integer(100, 20_000)))
    await refusedUnchanged(root, file, { code: 'ERR_NOT_A_DATABASE', remedy: /move it away/ })
  },

  async 'a lock that another process holds for too long'({ folder, random }) {
    const { root, file } = await prepared(folder)
    const sql = random.pick(['BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE'])
    await withOwner(root, async (owner) => {
      const job = await openJob(owner, { busyTimeoutMs: 50 })
      const holder = startChild('lock-holder', { file, sql })
      await holder.printed('"locked"')
      const refused = await job.persistAcked(batchOps(WRITER, BATCHES + 1))
      checkRefused(refused, file, {
        code: 'ERR_STORAGE',
        backendCode: 'SQLITE_BUSY',
        remedy: /busyTimeoutMs/
      })
      check((await job.count('batch', key())).isOk(), 'a read failed for the lock of a writer')
      holder.tell('let go')
      await holder.ended
      await writeBatches(job, BATCHES + 1, BATCHES + 5)
    })
    holds(file, BATCHES + 5)
  }
}

async function refusedUnchanged(root: string, file: string, refusal: Refusal): Promise<void> {
  const before = readFileSync(file)
  await withOwner(root, async (owner) => checkRefused(await owner.openJob('tenant'), file, refusal))
  check(readFileSync(file).equals(before), 'a file that was refused has changed')
}

const NAMES = Object.keys(CASES)

export const disk: Scenario = {
  name: 'disk',
  promise: 'disks and files that go wrong are typed errors with a remedy, and cost nothing that was there',
  rounds: { short: NAMES.length, long: 30 * NAMES.length },
  async round(round) {
    const name = NAMES[round.index % NAMES.length] as string
    try {
      await CASES[name]?.(round)
    } catch (cause) {
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
    round.count(name)
  }
}
