/** Runs a short program in a process of its own at the root of the project, where it can import 'persistency'. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

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

/** Runs `source` as an ES module. It is killed after 20 seconds. */
export function runChild(source: string): Promise<ChildResult> {
  return new Promise((settle, reject) => {
    const started = performance.now()
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PREAMBLE + source], {
      cwd: resolve(import.meta.dirname, '../..'),
      timeout: 20_000
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const lines = stdout.split('\n').filter((line) => line !== '')
      const parsed = lines.map((line) => JSON.parse(line) as unknown)
      settle({ code, signal, stderr, lines: parsed, lifetimeMs: performance.now() - started })
    })
  })
}
