// Owns running every examples/*.ts, as many at once as there are cores, each in a temporary working directory. An
// example passes when it exits with 0 and prints the lines of examples/expected/<name>.txt, if there is one, in order.
// Names given as arguments select examples. The last line is `N passed, N failed`.

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

const timeoutMs = 120_000
const root = resolve(import.meta.dirname, '..')
const examples = join(root, 'examples')
const tsx = import.meta.resolve('tsx')

/** The first expected line that does not follow the ones before it, or undefined. */
function missingLine(expectedFile, output) {
  if (!existsSync(expectedFile)) return undefined
  const lines = output.split(/\r?\n/)
  let next = 0
  for (const expected of readFileSync(expectedFile, 'utf8').split(/\r?\n/)) {
    if (expected.trim() === '') continue
    const at = lines.findIndex((line, index) => index >= next && line.includes(expected.trimEnd()))
    if (at < 0) return expected
    next = at + 1
  }
  return undefined
}

/** Why the example has failed, with what it printed; undefined when it has not. */
async function failureOf(file) {
  const cwd = mkdtempSync(join(tmpdir(), 'persistency-example-'))
  try {
    const { error, stdout, stderr } = await run(join(examples, file), cwd)
    const output = stdout + stderr
    if (error?.killed) return { reason: `still running after ${timeoutMs / 1000} s`, output }
    if (error) return { reason: `exit ${error.code ?? error.signal ?? error.message}`, output }
    const missing = missingLine(join(examples, 'expected', `${basename(file, '.ts')}.txt`), stdout)
    return missing === undefined ? undefined : { reason: `expected line is missing: ${missing}`, output }
  } finally {
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 })
  }
}

function run(file, cwd) {
  const options = {
    cwd,
    // tsx looks for tsconfig.json in the working directory, which is not the project's here.
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', tsx, file], options, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr })
    )
  })
}

const wanted = process.argv.slice(2).map((name) => basename(name, '.ts'))
const files = readdirSync(examples)
  .filter((name) => name.endsWith('.ts') && (wanted.length === 0 || wanted.includes(basename(name, '.ts'))))
  .sort()

let failed = 0

async function runFrom(queue) {
  for (const file of queue) {
    const started = performance.now()
    const failure = await failureOf(file)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    if (failure === undefined) {
      console.log(`pass ${file} (${seconds} s)`)
    } else {
      failed += 1
      console.log(`fail ${file} (${seconds} s): ${failure.reason}`)
      console.log(failure.output.trimEnd().replace(/^/gm, '    '))
    }
  }
}

const queue = files.values()
await Promise.all(Array.from({ length: availableParallelism() }, () => runFrom(queue)))

console.log(`${files.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 || files.length === 0 ? 1 : 0
