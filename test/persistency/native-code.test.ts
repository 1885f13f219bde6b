/** What openJob says where the native code of better-sqlite3 is not there, as with install scripts that are blocked. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { spawnNode } from '../support/spawn-node.js'

const ROOT = resolve(import.meta.dirname, '../..')

const PROGRAM = `
import { Persistency, unwrap } from 'persistency'
const open = async (options) => {
  const persistency = unwrap(Persistency.open({ rootDir: ':memory:', ...options }))
  const { code, message, cause } = (await persistency.openJob('acme')).match(() => ({ code: 'ok' }), (error) => error)
  await persistency.close()
  return { code, message, cause }
}
console.log(JSON.stringify([await open(), await open({ threads: 'none' })]))
`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'persistency-native-'))
  const there = (name: string): string => join(folder, 'node_modules', name)
  for (const part of ['package.json', 'dist']) {
    cpSync(join(ROOT, part), join(there('persistency'), part), { recursive: true })
  }
  for (const part of ['package.json', 'lib']) {
    const path = join('better-sqlite3', part)
    cpSync(join(ROOT, 'node_modules', path), there(path), { recursive: true, dereference: true })
  }
  for (const name of ['bindings', 'neverthrow', 'rxjs']) {
    symlinkSync(join(ROOT, 'node_modules', name), there(name), 'junction')
  }
  writeFileSync(join(folder, 'main.mjs'), PROGRAM)
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const refused = (reason: string) => {
  const first =
    'better-sqlite3 has no native code that this Node.js can load: run "npm rebuild better-sqlite3"'
  const message = expect.stringMatching(`^${first}.*"pnpm approve-builds".*${reason}`)
  const error = { code: 'ERR_OPEN', message, cause: expect.stringMatching(reason) }
  return [error, error]
}

async function opened(): Promise<unknown> {
  const { stdout, stderr } = await spawnNode([join(folder, 'main.mjs')], folder)
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('native code that is missing is ERR_OPEN, and what to do comes first', async () => {
  expect(await opened()).toEqual(refused('(Could not locate the bindings file|Cannot find module)'))
})

test('native code that cannot be loaded is so, too', async () => {
  const release = join(folder, 'node_modules/better-sqlite3/build/Release')
  mkdirSync(release, { recursive: true })
  writeFileSync(join(release, 'better_sqlite3.node'), 'of another Node.js')
  expect(await opened()).toEqual(refused('better_sqlite3.node'))
})
