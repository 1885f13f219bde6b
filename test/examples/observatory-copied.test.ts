import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'

const root = resolve(import.meta.dirname, '../..')
const project = mkdtempSync(join(tmpdir(), 'observatory-copied-'))

afterAll(() => rmSync(project, { recursive: true, force: true }))

/** As strict as it gets, with the libraries of the target and nothing that is not said on the page. */
const compilerOptions = {
  ...{ target: 'es2022', lib: ['es2022'], types: ['node'], module: 'nodenext', noEmit: true },
  ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
  ...{ noImplicitOverride: true, noImplicitReturns: true, noPropertyAccessFromIndexSignature: true },
  ...{ verbatimModuleSyntax: true, isolatedModules: true, skipLibCheck: true }
}

test('a copy of the folder compiles in a project of its own', () => {
  mkdirSync(join(project, 'node_modules', '@types'), { recursive: true })
  for (const name of ['neverthrow', '@types/node']) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name), 'junction')
  }
  symlinkSync(root, join(project, 'node_modules', 'persistency'), 'junction')
  cpSync(join(root, 'examples', 'observatory'), join(project, 'observatory'), { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['observatory'] }))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([0, ''])
})
