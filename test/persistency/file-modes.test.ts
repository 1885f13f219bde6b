/** Who may read what the library makes: nobody but its owner, whatever the umask of the process. */
import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'

const storage = useStorage()

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

/** Makes one of everything and tells the permissions while it is in use. */
const MAKE = `
  import { readdirSync, statSync } from 'node:fs'
  const { Persistency, key } = persistency
  const home = root + '/a/b'
  const owner = Persistency.open({ rootDir: home, exclusive: true })._unsafeUnwrap()
  const job = (await owner.openJob('tenant'))._unsafeUnwrap()
  await job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: new Uint8Array(9) })
  ;(await job.backup(home + '/copy'))._unsafeUnwrap()
  ;(await owner.restore('restored', home + '/copy'))._unsafeUnwrap()
  ;(await job.compact())._unsafeUnwrap()
  await job.persistAcked({ kind: 'put', category: 'c', key: key(2), payload: new Uint8Array(9) })
  const modes = { a: root + '/a', b: home }
  for (const name of readdirSync(home)) modes[name] = home + '/' + name
  for (const name in modes) modes[name] = (statSync(modes[name]).mode & 0o777).toString(8)
  console.log(JSON.stringify(modes))
  await owner.close()
`

test.each(['000', '022', '077', '277'])('files are private under umask %s', async (umask) => {
  const { stdout, stderr } = await runProgram(storage.folder(), `process.umask(0o${umask});${MAKE}`)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    a: '700',
    b: '700',
    '.persistency-owner': '600',
    copy: '600',
    'restored.db': '600',
    'tenant.db': '600',
    'tenant.db-shm': '600',
    'tenant.db-wal': '600'
  })
})

test('what is there already keeps its permissions, and gives them to its log', async () => {
  const root = join(storage.folder(), 'shared')
  mkdirSync(root)
  chmodSync(root, 0o755)
  const { job, file, persistency } = await storage.open({}, root)
  await okOf(job.close())
  chmodSync(file, 0o640)
  const again = await okOf(persistency.openJob('tenant'))
  await okOf(again.flush())
  expect([modeOf(root), modeOf(file), modeOf(`${file}-wal`)]).toEqual(['755', '640', '640'])
})

test('a file whose permissions cannot be set is not left behind', async () => {
  const { stdout, stderr } = await runProgram(
    storage.folder(),
    `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    fs.chmodSync = () => { throw Object.assign(new Error('not on this file system'), { code: 'EPERM' }) }
    syncBuiltinESMExports()
    process.umask(0o277)
    const owner = persistency.Persistency.open({ rootDir: root, threads: 'none' })._unsafeUnwrap()
    const { code, backendCode } = (await owner.openJob('tenant'))._unsafeUnwrapErr()
    console.log(code, backendCode, fs.readdirSync(root).filter((name) => name.startsWith('tenant')))
  `
  )
  expect([stdout.trim(), stderr]).toEqual(['ERR_OPEN EPERM []', ''])
})

test('a file system without links has private files as well, and nothing else is left there', async () => {
  const { stdout, stderr } = await runProgram(
    storage.folder(),
    `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    let asked = 0
    fs.linkSync = () => {
      asked++
      throw Object.assign(new Error('not on this file system'), { code: 'EPERM' })
    }
    syncBuiltinESMExports()
    const home = root + '/home'
    const owner = persistency.Persistency.open({ rootDir: home, threads: 'none', exclusive: true })._unsafeUnwrap()
    ;(await owner.openJob('tenant'))._unsafeUnwrap()
    await owner.close()
    const names = fs.readdirSync(home).sort()
    console.log(asked, ...names, ...names.map((name) => (fs.statSync(home + '/' + name).mode & 0o777).toString(8)))
  `
  )
  expect([stdout, stderr]).toEqual(['2 .persistency-owner tenant.db 600 600\n', ''])
})

test('a file that somebody else has put in its place meanwhile is taken as it is', async () => {
  const { stdout, stderr } = await runProgram(
    storage.folder(),
    `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const { linkSync } = fs
    fs.linkSync = (path, place) => {
      new Database(place).exec('PRAGMA application_id = 7').close()
      linkSync(path, place)
    }
    syncBuiltinESMExports()
    const home = root + '/home'
    const owner = persistency.Persistency.open({ rootDir: home, threads: 'none' })._unsafeUnwrap()
    ;(await owner.openJob('tenant'))._unsafeUnwrap()
    await owner.close()
    const names = fs.readdirSync(home)
    const id = new Database(home + '/tenant.db').pragma('application_id', { simple: true })
    console.log(id, ...names)
  `
  )
  expect([stdout, stderr]).toEqual(['7 tenant.db\n', ''])
})
