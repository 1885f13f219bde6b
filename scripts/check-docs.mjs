// Owns what keeps the documentation true: each block ```ts example=name is a run of lines of examples/name.ts, to which its
// page has a link, no block of code is cut off within its brackets, each relative link and its anchor lead somewhere, and
// those of the package to what is in it, docs/errors.md names every error code, kind and warning there is, and the two lists
// of pages have each page once.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const catalogue = 'docs/errors.md'

const fence = /^```([^\n]*)\n(.*?)^```\s*$/gms
const code = /^(ts|js)\b/
const notBrackets = /\/\/[^\n]*|\/\*.*?\*\/|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/gs
const exampleOf = /^ts\s+example=(\S+)/
const link = /\]\(([^)\s]+)\)/g
const heading = /^#+\s+(.+?)\s*$/gm

const read = (file) => readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n')
const trimmed = (text) => text.split('\n').map((line) => line.trim())

const docs = readdirSync(join(root, 'docs'), { recursive: true })
  .map((name) => `docs/${name.split(sep).join('/')}`)
  .filter((name) => name.endsWith('.md') && !name.startsWith('docs/api/'))
const files = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...docs]

/** What the package is made of, in the order of the patterns: files and folders, and what is not in it after all. */
const patterns = JSON.parse(read('package.json')).files
const isShipped = (name) =>
  patterns.reduce((shipped, pattern) => {
    const path = pattern.replace(/^!/, '')
    return name === path || name.startsWith(`${path}/`) ? path === pattern : shipped
  }, false)

const problems = []
let snippets = 0
let links = 0

function checkSnippets(file, text) {
  const named = new Set()
  for (const [, info, body] of text.matchAll(fence)) {
    const name = exampleOf.exec(info)?.[1]
    if (name === undefined) continue
    snippets++
    const example = `examples/${name}.ts`
    const what = `${file}: the snippet "${body.trim().split('\n')[0]}"`
    if (!existsSync(join(root, example))) problems.push(`${what} is of ${example}, which is not there`)
    else if (!containsRun(trimmed(read(example)), trimmed(body.trim()))) {
      problems.push(`${what} is not in ${example}, line by line`)
    }
    named.add(example)
  }
  for (const example of named) {
    if (!linkedFrom(file, text).includes(example)) {
      problems.push(`${file}: has snippets of ${example}, and no link to it`)
    }
  }
}

/** A block that ends within a pair of brackets cannot be pasted anywhere. Regular expressions are not told apart. */
function checkBrackets(file, text) {
  for (const [, info, body] of text.matchAll(fence)) {
    if (!code.test(info)) continue
    const open = []
    const pairs = { ')': '(', ']': '[', '}': '{' }
    const isWhole = [...body.replace(notBrackets, '').matchAll(/[()[\]{}]/g)].every(([bracket]) =>
      bracket in pairs ? open.pop() === pairs[bracket] : open.push(bracket)
    )
    if (!isWhole || open.length > 0) {
      problems.push(`${file}: the snippet "${body.trim().split('\n')[0]}" is cut off within its brackets`)
    }
  }
}

function containsRun(lines, wanted) {
  return lines.some((_, start) => wanted.every((line, index) => lines[start + index] === line))
}

function checkLinks(file, text) {
  for (const [, target] of text.replace(fence, '').matchAll(link)) {
    if (/^[a-z][a-z+.-]*:/i.test(target)) continue
    links++
    const [path, anchor] = target.split('#')
    const to = path === '' ? join(root, file) : resolve(root, dirname(file), decodeURIComponent(path))
    const name = relative(root, to).split(sep).join('/')
    if (!existsSync(to)) problems.push(`${file}: ${target} leads nowhere`)
    else if (isShipped(file) && !isShipped(name) && statSync(to).isFile()) {
      problems.push(`${file}: ${target} leads out of the package`)
    } else if (anchor !== undefined && statSync(to).isFile() && !anchorsOf(name).includes(anchor)) {
      problems.push(`${file}: ${target}: there is no such heading`)
    }
  }
}

/** The anchors of the headings, made the way GitHub makes them; repeated headings are not told apart. */
function anchorsOf(file) {
  return [...read(file).replace(fence, '').matchAll(heading)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
  )
}

function checkCatalogue() {
  const text = read(catalogue)
  const codes = read('src/persistency/errors.ts').match(/\bERR_[A-Z_]+(?=:)/g) ?? []
  const kinds = read('src/brokers/errors.ts').match(/(?<=^ *\| ')\w+(?=')/gm) ?? []
  const sources = readdirSync(join(root, 'src'), { recursive: true }).filter((name) => name.endsWith('.ts'))
  const warnings = sources.flatMap(
    (name) => read(join('src', name)).match(/(?<=')PERSISTENCY_[A-Z_]+(?=')/g) ?? []
  )
  if ([codes, kinds, warnings].some((names) => names.length === 0))
    problems.push(`${catalogue}: found no errors in src/ to compare`)
  for (const name of [...codes, ...kinds, ...warnings]) {
    if (!text.includes(`| \`${name}\``)) problems.push(`${catalogue}: has no row for ${name}`)
  }
}

/** The files that the links of a text lead to. */
function linkedFrom(file, text) {
  return [...text.replace(fence, '').matchAll(link)].map(([, target]) =>
    relative(root, resolve(root, dirname(file), target.split('#')[0]))
      .split(sep)
      .join('/')
  )
}

/** A list that is merged by hand gets pages twice, or loses them. */
function checkPages(file, heading) {
  const list = read(file).split(heading)[1]?.split(/^## /m)[0] ?? ''
  const linked = linkedFrom(file, list)
  for (const page of docs) {
    if (page === file || dirname(page) !== 'docs') continue
    const times = linked.filter((name) => name === page).length
    if (times !== 1) problems.push(`${file}: the list of pages has ${page} ${times} times`)
  }
}

for (const file of files) {
  const text = read(file)
  checkSnippets(file, text)
  checkBrackets(file, text)
  checkLinks(file, text)
}
checkCatalogue()
checkPages('README.md', '## Documentation')
checkPages('docs/index.md', '# Documentation')

for (const problem of problems) console.error(problem)
console.log(`docs: ${files.length} files, ${snippets} snippets, ${links} links, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0
