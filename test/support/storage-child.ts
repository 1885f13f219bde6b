/** Programs that run in a process of their own, written into a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach } from '@jest/globals'
import type { Ended } from './spawn-node.js'

/** Where a program outside of the repository finds the built package. */
export const PACKAGE_URL = new URL('../../dist/index.js', import.meta.url).href

const SQLITE_URL = pathToFileURL(
  join(import.meta.dirname, '../../node_modules/better-sqlite3/lib/index.js')
).href

export interface Program {
  /** Resolves when the program has printed a line that holds `text`; rejects when it ends before. */
  printed(text: string): Promise<void>
  /** Closes the standard input of the program. */
  endInput(): void
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

export interface Limits {
  /** The program cannot make a file larger than this: writing further fails. */
  readonly maxFileKib?: number
}

/** A program that takes longer is killed, and was hung. */
const LIMIT_MS = 60_000

/** Programs that have not ended. A test that fails may leave some. */
const running = new Set<ChildProcess>()

afterEach(async () => {
  const gone = [...running].map((child) => {
    child.kill('SIGKILL')
    return new Promise((resolve) => child.once('close', resolve))
  })
  await Promise.all(gone)
})

/**
 * Starts a program, which does not outlive its test. Its source is the body of a module in which everything that the
 * package exports is in the namespace `persistency`, SQLite is `Database`, and `root` is the folder it was written to.
 */
export function startProgram(folder: string, source: string, limits: Limits = {}): Program {
  const script = join(folder, `program-${Math.random().toString(36).slice(2)}.mjs`)
  const head = [
    `import * as persistency from '${PACKAGE_URL}'`,
    `import Database from '${SQLITE_URL}'`,
    `const root = ${JSON.stringify(folder)}`
  ]
  writeFileSync(script, `${head.join('\n')}\n${source}`)
  const { maxFileKib } = limits
  const [command, args] =
    maxFileKib === undefined
      ? [process.execPath, [script]]
      : ['sh', ['-c', `trap '' XFSZ; ulimit -f ${maxFileKib * 2}; exec "$0" "$1"`, process.execPath, script]]
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL'
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  }).finally(() => running.delete(child))
  return {
    ended,
    endInput: () => child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stdout.includes(text)) resolve()
        }
        child.stdout.on('data', look)
        void ended.then(() => reject(new Error(`ended without printing "${text}"\n${stdout}\n${stderr}`)))
        look()
      })
  }
}

/** Runs a program to its end. */
export function runProgram(folder: string, source: string, limits?: Limits): Promise<Ended> {
  const program = startProgram(folder, source, limits)
  program.endInput()
  return program.ended
}
