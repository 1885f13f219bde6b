/** Owns starting the programs in `children/`: each in a process of its own, which may be killed at any moment. */
import { type SpawnOptions, spawn } from 'node:child_process'
import { join } from 'node:path'

export interface ChildEnded {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Child {
  readonly ended: Promise<ChildEnded>
  /** Resolves when a line that starts so was printed; also when the child ends before. */
  printed(start: string): Promise<void>
  /** Writes a line to the child. */
  tell(line: string): void
  kill(signal: NodeJS.Signals): void
}

export interface ChildOptions extends Pick<SpawnOptions, 'uid' | 'gid'> {
  /** Flags of Node.js. */
  readonly flags?: readonly string[]
  /** Put before the command: what runs it, such as `unshare`. */
  readonly through?: readonly string[]
  /** A child that takes longer is killed, and was hung. Default 120 seconds. */
  readonly limitMs?: number
}

/** Starts `children/<name>.mjs`; it finds `settings` as JSON in its first argument. */
export function startChild(name: string, settings: unknown, options: ChildOptions = {}): Child {
  const { flags = [], through = [], limitMs = 120_000, uid, gid } = options
  const program = join(import.meta.dirname, `../children/${name}.mjs`)
  const all = [...through, process.execPath, ...flags, program, JSON.stringify(settings)]
  const child = spawn(all[0] as string, all.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid })
  })
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const look of watchers) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A child that was killed does not read what it is told any more.
  child.stdin.on('error', () => {})
  const ended = new Promise<ChildEnded>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    ended,
    printed(start) {
      const seen = new Promise<void>((resolve) => {
        const look = (): void => {
          if (!`\n${stdout}`.includes(`\n${start}`)) return
          watchers.delete(look)
          resolve()
        }
        watchers.add(look)
        look()
      })
      return Promise.race([seen, ended.then(() => undefined)])
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill: (signal) => void child.kill(signal)
  }
}

/** Runs a child to its end and answers the JSON values that it printed, a line each. Throws when it failed. */
export async function runChild(name: string, settings: unknown, options?: ChildOptions): Promise<unknown[]> {
  const { code, signal, stdout, stderr } = await startChild(name, settings, options).ended
  if (code !== 0) {
    const end = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
    throw new Error(`${name} ${end}\n${stderr}\n${stdout.slice(-2000)}`)
  }
  return linesOf(stdout).map((line) => JSON.parse(line) as unknown)
}

/** Whole lines only: a child that was killed may have left half of one. */
export function linesOf(stdout: string): string[] {
  return stdout.split('\n').slice(0, -1)
}
