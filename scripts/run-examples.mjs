// Owns running every examples/*.ts, one after another, each in a temporary working directory. An example
// passes when it exits with 0 and prints the lines of examples/expected/<name>.txt, if there is one, in order.
// Names given as arguments select examples. The last line is `N passed, N failed`.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

function run(file) {
  const cwd = mkdtempSync(join(tmpdir(), 'persistency-example-'))
  try {
    const result = spawnSync(process.execPath, ['--import', tsx, join(examples, file)], {
      cwd,
      // tsx looks for tsconfig.json in the working directory, which is not the project's here.
      env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
      encoding: 'utf8',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: 64 * 1024 * 1024
    })
    const output = result.stdout + result.stderr
    if (result.error?.code === 'ETIMEDOUT')
      return { reason: `still running after ${timeoutMs / 1000} s`, output }
    if (result.error) return { reason: result.error.message, output }
    if (result.status !== 0) return { reason: `exit ${result.status ?? result.signal}`, output }
    const missing = missingLine(join(examples, 'expected', `${basename(file, '.ts')}.txt`), result.stdout)
    return missing === undefined ? undefined : { reason: `expected line is missing: ${missing}`, output }
  } finally {
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5 })
  }
}

const wanted = process.argv.slice(2).map((name) => basename(name, '.ts'))
const files = readdirSync(examples)
  .filter((name) => name.endsWith('.ts') && (wanted.length === 0 || wanted.includes(basename(name, '.ts'))))
  .sort()

let failed = 0
for (const file of files) {
  const started = performance.now()
  const failure = run(file)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  if (failure === undefined) {
    console.log(`pass ${file} (${seconds} s)`)
  } else {
    failed += 1
    console.log(`fail ${file} (${seconds} s): ${failure.reason}`)
    console.log(failure.output.trimEnd().replace(/^/gm, '    '))
  }
}

console.log(`${files.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 || files.length === 0 ? 1 : 0
