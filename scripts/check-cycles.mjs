// Owns the import rules of src/: no cycles (type-only imports count), between files nor between the folders of a
// layer, imports point only from a layer to the layers before it, barrels are imported by src/index.ts alone,
// only src/di knows tsyringe and reflect-metadata, only src/observability knows OpenTelemetry, and the storage worker loads
// no package it does not need at run time.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { threadEntries } from './thread-entries.mjs'

const root = resolve(import.meta.dirname, '..')
const src = join(root, 'src')

const layers = ['bytes', 'runtime', 'brokers', 'threads', 'persistency', 'di', 'observability']
// The main entry re-exports the persistency layer and the ones below, so it may import up to there.
const entryLayer = layers.indexOf('persistency')
// Packages that one layer alone imports, and so nobody loads who does not ask for that layer.
const onlyIn = { tsyringe: 'di', 'reflect-metadata': 'di', '@opentelemetry/api': 'observability' }
// Entry points side by side: neither imports the other.
const tops = ['di', 'observability']
const notInWorker = ['rxjs', ...Object.keys(onlyIn)]

// `import a, { b } from 'x'`, `export * from 'x'`, `import 'x'`; group 1 is set when all of it is a type.
const names = String.raw`(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+[\w$]+))?)`
const statement = new RegExp(
  String.raw`^[ \t]*(?:(?:import|export)(\s+type(?=\s*[\w${'$'}{*]))?\s*${names}\s*from|import)\s*['"]([^'"]+)['"]`,
  'gm'
)
// `import('x')` loads at run time, `import('x').Name` and `typeof import('x')` are types.
const dynamic = /(typeof\s+)?\bimport\(\s*['"]([^'"]+)['"]\s*\)(\s*\.\s*[A-Z])?/g
const commentLine = /^\s*(?:\/\/|\/\*|\*).*$/gm

const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const problems = []
const files = readdirSync(src, { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name.split(sep).join('/')}`)
  .sort()

/** Each file's imports: { to (a file of src, or undefined), package, typeOnly }. */
const graph = new Map(files.map((file) => [file, importsOf(file)]))

function importsOf(file) {
  const text = readFileSync(join(root, file), 'utf8').replace(commentLine, '')
  const found = [
    ...[...text.matchAll(statement)].map((m) => ({ specifier: m[2], typeOnly: Boolean(m[1]) })),
    ...[...text.matchAll(dynamic)].map((m) => ({ specifier: m[2], typeOnly: Boolean(m[1] ?? m[3]) }))
  ]
  return found.map(({ specifier, typeOnly }) => {
    if (!specifier.startsWith('.')) return { package: packageOf(specifier), typeOnly }
    const path = resolve(root, dirname(file), specifier).replace(/\.js$/, '.ts')
    const to = relative(root, path).split(sep).join('/')
    if (!existsSync(path)) problems.push(`${file}: '${specifier}' is not a file of src/`)
    return { to, typeOnly }
  })
}

function layerOf(file) {
  return file === 'src/index.ts' ? entryLayer : layers.indexOf(file.split('/')[1])
}

function checkRules(file, imports) {
  if (layerOf(file) < 0) problems.push(`${file}: belongs to no layer (${layers.join(', ')})`)
  for (const { to, package: name } of imports) {
    if (name === 'persistency') problems.push(`${file}: imports the package by its own name`)
    if (name in onlyIn && !file.startsWith(`src/${onlyIn[name]}/`))
      problems.push(`${file}: only src/${onlyIn[name]} imports ${name}`)
    if (to === undefined) continue
    const [from, into] = [file, to].map((path) => path.split('/')[1])
    if (from !== into && tops.includes(from) && tops.includes(into))
      problems.push(`${file}: imports ${to} of an entry point beside it`)
    if (layerOf(to) > layerOf(file)) problems.push(`${file}: imports ${to} of a higher layer`)
    if (to.endsWith('/index.ts') && file !== 'src/index.ts')
      problems.push(`${file}: imports the barrel ${to}`)
    if (to === 'src/index.ts') problems.push(`${file}: imports the main entry`)
  }
}

/** The cycles of a graph, each as the nodes on its way from one to the same again. */
function cyclesOf(nodes, nextOf) {
  const cycles = []
  const state = new Map()
  const path = []
  const visit = (node) => {
    if (state.get(node) === 'done') return
    if (state.get(node) === 'open') {
      cycles.push([...path.slice(path.indexOf(node)), node])
      return
    }
    state.set(node, 'open')
    path.push(node)
    for (const next of nextOf(node)) visit(next)
    path.pop()
    state.set(node, 'done')
  }
  for (const node of nodes) visit(node)
  return cycles
}

function findFileCycles() {
  const importsOfFile = (file) => (graph.get(file) ?? []).flatMap(({ to }) => to ?? [])
  for (const cycle of cyclesOf(files, importsOfFile)) problems.push(`cycle: ${cycle.join(' -> ')}`)
}

/** Between the folders of one layer; what lies beside them may be imported by all, and may import all. */
function findFolderCycles() {
  const folderOf = (file) => /^src\/([^/]+\/[^/]+)\//.exec(file)?.[1]
  const links = new Map()
  for (const [file, imports] of graph) {
    const folder = folderOf(file)
    for (const { to } of imports) {
      const into = to && folderOf(to)
      if (folder === undefined || into === undefined || folder === into) continue
      if (!links.has(folder)) links.set(folder, new Map())
      links.get(folder).set(into, `${file} imports ${to}`)
    }
  }
  for (const cycle of cyclesOf([...links.keys()], (folder) => [...(links.get(folder)?.keys() ?? [])])) {
    const imports = cycle.slice(1).map((into, at) => links.get(cycle[at]).get(into))
    problems.push(`cycle of folders: ${cycle.join(' -> ')} (${imports.join(', ')})`)
  }
}

function checkWorker(workerEntry) {
  if (!graph.has(workerEntry)) problems.push(`${workerEntry}: not found`)
  const trail = new Map([[workerEntry, workerEntry]])
  for (const [file, path] of trail) {
    for (const { to, package: name, typeOnly } of graph.get(file) ?? []) {
      if (typeOnly) continue
      if (notInWorker.includes(name)) problems.push(`worker loads ${name}: ${path}`)
      if (to !== undefined && !trail.has(to)) trail.set(to, `${path} -> ${to}`)
    }
  }
}

for (const [file, imports] of graph) checkRules(file, imports)
findFileCycles()
findFolderCycles()
for (const entry of threadEntries) checkWorker(`src/${entry}.ts`)

for (const problem of problems) console.error(problem)
console.log(`imports: ${files.length} files, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0
