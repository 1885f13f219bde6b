// Owns the check of the package as a consumer gets it: packs the built project, installs the tarball into an
// empty project, loads every entry point through import and require, compiles a strict consumer against the
// shipped types, runs publint, and checks that nothing else is shipped. Expects an up-to-date dist/.

import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const shipped = ['package.json', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE']
/** Further files, of many. */
const samples = [
  'docs/index.md',
  'docs/errors.md',
  'examples/quick-start.ts',
  'examples/observatory/page/page.html'
]
/** The entry points, each with a few values it must export at least. */
const entries = {
  persistency: [],
  'persistency/brokers': ['defineEvent', 'defineRequest'],
  'persistency/threads': ['serveBrokers', 'WorkerHost'],
  'persistency/di': [],
  'persistency/observability': ['observe']
}
/** What an entry point needs that is not installed with the package. */
const peers = { 'persistency/observability': '@opentelemetry/api' }

const root = resolve(import.meta.dirname, '..')
const installed = (...path) => join(root, 'node_modules', ...path)
const temp = realpathSync(mkdtempSync(join(tmpdir(), 'persistency-pack-')))
const consumer = join(temp, 'consumer')
const write = (name, text) => writeFileSync(join(consumer, name), text)

const problems = []
const check = (ok, problem) => ok || problems.push(problem)

function node(args, cwd = consumer) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  return { ok: status === 0, stdout, output: `${stdout}${stderr}`.trimEnd() }
}

function npm(args, cwd) {
  const cli = process.env.npm_execpath
  if (cli === undefined) throw new Error('run this through npm: npm run check:pack')
  const result = node([cli, ...args], cwd)
  if (!result.ok) throw new Error(`npm ${args[0]} failed\n${result.output}`)
  return result.stdout
}

function pack() {
  const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', temp], root))
  const paths = packed.files.map((file) => file.path)
  for (const path of paths) {
    const isOurs = /^(dist\/.+\.(js|d\.ts)|docs\/.+\.(md|png|svg)|examples\/(?!expected\/).+)$/.test(path)
    check(isOurs || shipped.includes(path), `should not be shipped: ${path}`)
  }
  for (const path of [...shipped, ...samples]) check(paths.includes(path), `is not shipped: ${path}`)
  return join(temp, packed.filename)
}

/** Installs without install scripts and takes the compiled SQLite addon from this project instead. */
function install(tarball) {
  const { version } = JSON.parse(readFileSync(installed('better-sqlite3', 'package.json'), 'utf8'))
  const dependencies = { persistency: `file:${tarball}`, 'better-sqlite3': version }
  mkdirSync(consumer)
  write('package.json', JSON.stringify({ private: true, type: 'module', dependencies }))
  npm(['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-package-lock'], consumer)
  const addon = ['better-sqlite3', 'build', 'Release', 'better_sqlite3.node']
  if (existsSync(installed(...addon))) cpSync(installed(...addon), join(consumer, 'node_modules', ...addon))
}

/** Without its peer, an entry point says what is missing, and all others work; then the peers are installed. */
function loadWithoutPeers() {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  load(Object.keys(entries).filter((entry) => !(entry in peers)))
  for (const [entry, peer] of Object.entries(peers)) {
    const { ok, output } = node(['--input-type=module', '-e', `import '${entry}'`])
    check(
      !ok && output.includes(`Cannot find package '${peer}'`),
      `import '${entry}' without ${peer}: ${output}`
    )
  }
  const wanted = Object.values(peers).map((peer) => `${peer}@${devDependencies[peer]}`)
  npm(
    ['install', '--prefer-offline', '--no-audit', '--no-package-lock', '--ignore-scripts', ...wanted],
    consumer
  )
}

function load(wanted) {
  for (const entry of wanted) {
    const names = entries[entry]
    const test = `
      if (Object.keys(entry).length === 0) throw new Error('exports nothing')
      for (const name of ${JSON.stringify(names)}) if (!(name in entry)) throw new Error('no export ' + name)`
    const esm = node(['--input-type=module', '-e', `import * as entry from '${entry}'${test}`])
    check(esm.ok, `import '${entry}' failed\n${esm.output}`)
    const cjs = node(['--input-type=commonjs', '-e', `const entry = require('${entry}')${test}`])
    check(cjs.ok, `require('${entry}') failed\n${cjs.output}`)
  }
}

/**
 * No @types/node and no skipLibCheck: the shipped declarations must stand on their own. Errors within the
 * declarations of dependencies do not count (those of rxjs need the setTimeout of a DOM or Node.js).
 */
function compile() {
  const language = { target: 'ES2022', lib: ['ES2022'], types: [], module: 'nodenext' }
  const compilerOptions = { ...language, strict: true, skipLibCheck: false, noEmit: true }
  write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  const uses = Object.entries(entries).map(
    ([entry, names], i) =>
      `import * as e${i} from '${entry}'\nexport const v${i} = [e${i}, ${names.map((name) => `e${i}.${name}`)}]\n`
  )
  write('consumer.ts', uses.join(''))
  const tsc = node([installed('typescript', 'bin', 'tsc'), '-p', consumer, '--pretty', 'false'])
  const ours = tsc.output.split('\n').filter((line) => !/^(node_modules\/(?!persistency\/)|\s|$)/.test(line))
  const tolerated = tsc.output !== '' && ours.length === 0
  check(tsc.ok || tolerated, `the types do not compile for a consumer\n${ours.join('\n')}`)
}

function lint(tarball) {
  const { bin } = JSON.parse(readFileSync(installed('publint', 'package.json'), 'utf8'))
  const publint = node([installed('publint', bin.publint), 'run', tarball, '--strict'])
  check(publint.ok, publint.output)
}

try {
  const tarball = pack()
  install(tarball)
  loadWithoutPeers()
  load(Object.keys(peers))
  compile()
  lint(tarball)
} finally {
  rmSync(temp, { recursive: true, force: true, maxRetries: 5 })
}

for (const problem of problems) console.error(problem)
console.log(`package: ${Object.keys(entries).length} entry points, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0
