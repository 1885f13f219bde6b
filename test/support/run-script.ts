/** Runs a program in a process of its own, with the built package at hand, and tells what came of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Ended, spawnNode } from './spawn-node.js'

export interface ScriptResult extends Ended {
  /** What the program printed as JSON on its last line; `undefined` when it did not. */
  readonly output: unknown
}

const dist = (path: string): string =>
  JSON.stringify(pathToFileURL(resolve(import.meta.dirname, '../../dist', path)))

/** A module text whose imports of 'persistency' and its entry points reach the built package from anywhere. */
function withPackage(source: string): string {
  return source
    .replaceAll("from 'persistency'", `from ${dist('index.js')}`)
    .replaceAll(/from 'persistency\/(\w+)'/g, (_, entry: string) => `from ${dist(`${entry}/index.js`)}`)
}

/** Runs `source` as an ES module; `files` are further modules that are put beside it. */
export async function runScript(source: string, files: Record<string, string> = {}): Promise<ScriptResult> {
  const folder = mkdtempSync(join(tmpdir(), 'persistency-script-'))
  try {
    for (const [name, text] of Object.entries({ ...files, 'main.mjs': source })) {
      writeFileSync(join(folder, name), withPackage(text))
    }
    const ended = await spawnNode([join(folder, 'main.mjs')], folder)
    return { ...ended, output: lastJson(ended.stdout) }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function lastJson(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  } catch {
    return undefined
  }
}
