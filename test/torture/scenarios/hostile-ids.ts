/** Owns the torture by job ids: two of them never share a file, and none leads out of the directory. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { key, Persistency } from 'persistency'
import { check, checkEqual } from '../lib/checks.mjs'
import { textCorpus } from '../lib/corpus.js'
import type { Random } from '../lib/random.js'
import type { Scenario } from '../lib/scenario.js'

const KEPT = textCorpus('job-ids')
const PIECES = [
  '.',
  '..',
  '/',
  '\\',
  ':',
  '\0',
  '%2e',
  'a',
  'A',
  'nul',
  'con',
  '-wal',
  '.db',
  ' ',
  'é',
  '~1',
  '*'
]
const AT_ONCE = 12
const KEEPER = 'keeper'

export const hostileIds: Scenario = {
  name: 'hostile-ids',
  promise: 'a job id leads to a file of its own in the directory, or to none',
  rounds: { short: 1, long: 60 },
  async round({ index, random, folder, count, skip }) {
    const root = join(folder, 'outer', 'root')
    mkdirSync(root, { recursive: true })
    // One job stays open, so that the thread of all does.
    const owner = Persistency.open({ rootDir: root, threads: { shared: 1 } })._unsafeUnwrap()
    const keeper = (await owner.openJob(KEEPER))._unsafeUnwrap()
    const ids = index === 0 ? KEPT : [...new Set(Array.from({ length: 60 }, () => anyId(random)))]
    const opened = new Set<string>([keeper.id])
    try {
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => use(owner, id, opened)))
      }
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => reread(owner, id, opened)))
      }
    } finally {
      await owner.close()
    }
    checkEqual(readdirSync(root).sort(), [...opened].map((id) => `${id}.db`).sort(), 'files')
    checkEqual(
      [readdirSync(dirname(root)), readdirSync(folder)],
      [['root'], ['outer']],
      'around the directory'
    )
    await otherCase(folder, skip)
    count('job ids', ids.length)
    count('job ids with a file', opened.size)
  }
}

function anyId(random: Random): string {
  if (random.chance(0.3)) return random.pick(KEPT)
  return Array.from({ length: random.integer(1, 4) }, () => random.pick(PIECES)).join('')
}

/** Each job that opens is given its own name to keep. */
async function use(owner: Persistency, id: string, opened: Set<string>): Promise<void> {
  const answer = await owner.openJob(id)
  if (answer.isErr()) {
    checkEqual([answer.error.code, answer.error.kind], ['ERR_JOB_ID', 'invalidArgument'], JSON.stringify(id))
    checkEqual(
      (await owner.dropJob(id))._unsafeUnwrapErr().code,
      'ERR_JOB_ID',
      `dropping ${JSON.stringify(id)}`
    )
    return
  }
  opened.add(id)
  const job = answer.value
  ;(
    await job.persistAcked({ kind: 'put', category: 'c', key: key(), payload: Buffer.from(id) })
  )._unsafeUnwrap()
  ;(await job.close())._unsafeUnwrap()
}

async function reread(owner: Persistency, id: string, opened: ReadonlySet<string>): Promise<void> {
  if (!opened.has(id) || id === KEEPER) return
  const job = (await owner.openJob(id))._unsafeUnwrap()
  const kept = (await job.get('c', key()))._unsafeUnwrap()
  checkEqual(Buffer.from(kept ?? []).toString(), id, `what job ${JSON.stringify(id)} holds`)
  ;(await job.close())._unsafeUnwrap()
}

/**
 * A link does what a file system does that knows no letter case: it leads from one id's file to another's. Where there is
 * such a file system, it does so itself.
 */
async function otherCase(root: string, skip: (why: string) => void): Promise<void> {
  if (process.platform === 'win32') return
  const directory = join(root, 'cases')
  mkdirSync(directory)
  const unmount = mountWithoutCase(directory, join(root, 'image'))
  if (unmount === undefined)
    skip('a file system that knows no letter case: needs root, ntfs-3g and /dev/fuse')
  const owner = Persistency.open(directory)._unsafeUnwrap()
  try {
    const job = (await owner.openJob('tenant'))._unsafeUnwrap()
    const other = 'TENANT'
    if (unmount === undefined) symlinkSync('tenant.db', join(directory, `${other}.db`))
    const refused = (await owner.openJob(other))._unsafeUnwrapErr()
    checkEqual([refused.code, refused.message.includes('tenant.db')], ['ERR_JOB_ID', true], refused.message)
    const backup = join(root, 'backup.db')
    ;(await job.backup(backup))._unsafeUnwrap()
    ;(await job.close())._unsafeUnwrap()
    ;(await owner.dropJob(other))._unsafeUnwrap()
    check(existsSync(join(directory, 'tenant.db')), 'dropping one job deleted the file of another')
    const replaced = await owner.restore(other, backup, { overwrite: true })
    checkEqual(replaced._unsafeUnwrapErr().code, 'ERR_JOB_ID', 'restoring into the file of another job')
    ;(await owner.openJob('tenant'))._unsafeUnwrap()
  } finally {
    await owner.close()
    unmount?.()
  }
}

/** Mounts such a file system, if this machine has what that takes; answers how to undo it. */
function mountWithoutCase(directory: string, image: string): (() => void) | undefined {
  const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0
  writeFileSync(image, '')
  truncateSync(image, 16 * 1024 * 1024)
  const mounted =
    run('mkntfs', '-F', '-Q', image) && run('lowntfs-3g', '-o', 'ignore_case,permissions', image, directory)
  return mounted ? () => void run('umount', directory) : undefined
}
