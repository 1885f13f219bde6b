/** Runs a short program in a process of its own at the root of the project, where it can import 'persistency'. */
import { resolve } from 'node:path'
import { spawnNode } from './spawn-node.js'

export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
  /** Each line that the program printed, read as JSON. */
  readonly lines: unknown[]
  /** How long the process lived, in milliseconds. */
  readonly lifetimeMs: number
}

/** What every program starts with. `print` writes a line of JSON; what nobody caught ends the process with code 70. */
const PREAMBLE = `
const print = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
const turn = () => new Promise((resolve) => setImmediate(resolve))
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => { print({ [event]: String(error?.message ?? error) }); process.exit(70) })
}
`

/** Runs `source` as an ES module. */
export async function runChild(source: string): Promise<ChildResult> {
  const started = performance.now()
  const args = ['--input-type=module', '--eval', PREAMBLE + source]
  const { code, signal, stderr, stdout } = await spawnNode(args, resolve(import.meta.dirname, '../..'))
  const lifetimeMs = performance.now() - started
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { code, signal, stderr, lines: lines.map((line) => JSON.parse(line) as unknown), lifetimeMs }
}
