/** Owns running Node.js in a process of its own and gathering what it prints. */
import { spawn } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const LIMIT_MS = 20_000

/** Resolves when the process has ended. After 20 seconds it is killed, and this rejects with what it printed. */
export function spawnNode(args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const tooLong = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`did not end within ${LIMIT_MS} ms\n${stdout}\n${stderr}`))
    }, LIMIT_MS)
    child.once('error', (error) => {
      clearTimeout(tooLong)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearTimeout(tooLong)
      resolve({ code, signal, stdout, stderr })
    })
  })
}
