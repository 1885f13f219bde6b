/** What becomes of a storage whose program is put into a bundle. */
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type BuildOptions, build } from 'esbuild'
import { spawnNode } from '../support/spawn-node.js'

const ROOT = resolve(import.meta.dirname, '../..')

const PROGRAM = `
import { Persistency, unwrap } from '${resolve(ROOT, 'dist/index.js').replaceAll('\\', '/')}'
void (async () => {
  const persistency = unwrap(Persistency.open(':memory:'))
  const { code, message } = (await persistency.openJob('acme')).match(() => ({ code: 'ok' }), (error) => error)
  const verified = await Persistency.verifyFile(process.argv[1])
  const verify = verified.match(() => ({ code: 'ok' }), ({ code, message }) => ({ code, message }))
  console.log(JSON.stringify({ open: { code, message }, verify }))
  await persistency.close()
})()
`

let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'persistency-bundle-')))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')
  writeFileSync(join(folder, 'program.mjs'), PROGRAM)
})
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

async function runBundle(name: string, options: BuildOptions): Promise<unknown> {
  // The package looks for its thread in the folder above.
  const outfile = join(folder, 'bundle', name)
  await build({
    entryPoints: [join(folder, 'program.mjs')],
    ...{ outfile, bundle: true, platform: 'node', logLevel: 'silent' },
    ...options
  })
  const { stdout, stderr } = await spawnNode([outfile], folder)
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

const refused = (code: string, reason: string) => ({
  code,
  message: expect.stringMatching(`${reason}.*the package must stay outside of bundles.*--packages=external`)
})

describe('a program that is put into a bundle with the package', () => {
  test('is told by openJob and verifyFile that the thread is not there', async () => {
    const outcome = await runBundle('alone.mjs', { format: 'esm', external: ['better-sqlite3'] })
    expect(outcome).toEqual({
      open: refused('ERR_OPEN', 'worker.js could not be loaded: Cannot find module'),
      verify: refused('ERR_STORAGE', 'Cannot find module .*aside-worker.js')
    })
  })

  test('is told so, too, when a module of its own has the name of the thread', async () => {
    writeFileSync(join(folder, 'worker.js'), '')
    const outcome = await runBundle('beside.mjs', { format: 'esm', external: ['better-sqlite3'] })
    rmSync(join(folder, 'worker.js'))
    expect(outcome).toMatchObject({
      open: refused('ERR_OPEN', 'worker.js ended with code 0 before it called serveBrokers')
    })
  })

  test('is told so, too, where a bundle knows no place of its own', async () => {
    const outcome = await runBundle('common.cjs', { format: 'cjs' })
    expect(outcome).toEqual({
      open: refused('ERR_OPEN', 'cannot be started: Invalid URL'),
      verify: refused('ERR_STORAGE', 'Invalid URL')
    })
  })
})

test('a program that is put into a bundle without the package works', async () => {
  const external = [resolve(ROOT, 'dist/index.js')]
  expect(await runBundle('without.mjs', { format: 'esm', external })).toMatchObject({ open: { code: 'ok' } })
})
