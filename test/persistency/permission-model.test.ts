/** A process that Node.js restricts with its permission model to the package and one directory. */
import { realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { spawnNode } from '../support/spawn-node.js'
import { PACKAGE_URL } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'

const storage = useStorage()

const FLAG = ['--permission', '--experimental-permission'].find((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag)
)

/** Where it is and what it depends on, which may be installed elsewhere. */
const PACKAGE = resolve(import.meta.dirname, '../..')
const MODULES = dirname(realpathSync(join(PACKAGE, 'node_modules/better-sqlite3')))

const program = (threads: string): string => `
  import { readdirSync, statSync } from 'node:fs'
  import { Persistency, key } from '${PACKAGE_URL}'
  const home = import.meta.dirname + '/data'
  const owner = Persistency.open({ rootDir: home, threads: ${threads}, exclusive: true })._unsafeUnwrap()
  const job = (await owner.openJob('tenant'))._unsafeUnwrap()
  const put = { kind: 'put', category: 'c', key: key(1), payload: new Uint8Array(9) }
  const calls = {
    persistAcked: () => job.persistAcked(put),
    flush: () => job.flush({ durable: true }),
    backup: () => job.backup(home + '/copy'),
    restore: () => owner.restore('restored', home + '/copy'),
    verify: () => job.verify(),
    compact: () => job.compact(),
    dropJob: () => owner.dropJob('restored'),
    close: () => owner.close()
  }
  const answers = {}
  for (const [name, call] of Object.entries(calls)) answers[name] = (await call()).match(() => 'ok', String)
  const modes = {}
  for (const name of readdirSync(home)) modes[name] = (statSync(home + '/' + name).mode & 0o777).toString(8)
  console.log(JSON.stringify({ answers, modes }))
`

const testRestricted = FLAG === undefined ? test.skip : test

testRestricted.each([
  ['without a thread', "'none'", []],
  ['with threads', '{ shared: 1 }', ['--allow-worker']]
])('works %s, given what the documentation says', async (_, threads, further) => {
  const folder = realpathSync(storage.folder())
  const script = join(folder, 'program.mjs')
  writeFileSync(script, program(threads))
  const allowed = [
    ...['--allow-addons', `--allow-fs-write=${folder}/*`, ...further],
    ...[folder, PACKAGE, MODULES].map((path) => `--allow-fs-read=${path}/*`)
  ]
  const { stdout, stderr } = await spawnNode(
    [FLAG as string, '--disable-warning=SecurityWarning', ...allowed, script],
    folder
  )
  const answers = ['persistAcked', 'flush', 'backup', 'restore', 'verify', 'compact', 'dropJob', 'close']
  expect([stdout.trim(), stderr]).toEqual([
    JSON.stringify({
      answers: Object.fromEntries(answers.map((name) => [name, 'ok'])),
      modes: { '.persistency-owner': '600', copy: '600', 'tenant.db': '600' }
    }),
    expect.not.stringContaining('Error')
  ])
})
