/**
 * One trial: `run.mjs CONTESTANT OPERATION/PAYLOAD-BYTES/ROWS DIRECTORY [--quick]`. It prints a number, or
 * `did not run: ` and the reason when another package cannot be loaded here. A trial that fails prints no number.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makePayloads } from './data.mjs'
import { fill, filledDirectory } from './filled.mjs'
import { putTrials } from './puts.mjs'
import { readTrials } from './reads.mjs'
import { threadTrials } from './threads.mjs'

const [, , contestant, measure, root] = process.argv
const [operation, bytes, rowCount] = measure.split('/')

const module = await load()
if (module !== undefined) console.log(String(await run(module)))

async function load() {
  try {
    return await import(`../contestants/${contestant}.mjs`)
  } catch (error) {
    if (contestant === 'persistency') throw error
    console.log(`did not run: ${String(error.message).split('\n')[0]}`)
  }
}

async function run({ open, share = { puts: 1, reads: 1 }, ordered = true }) {
  const payloads = makePayloads(Number(bytes))
  const read = readTrials[operation]
  if (operation === 'fill') return fill(open, payloads, Number(rowCount), root)
  if (read !== undefined) {
    const rows = Math.ceil(Number(rowCount) * share.reads)
    const store = await open(filledDirectory(contestant, Number(bytes), rows, root), Number(bytes))
    const value = await read(store, payloads, rows, ordered)
    await store.close()
    return value
  }
  const write = putTrials[operation] ?? threadTrials[operation]
  if (write === undefined) throw new Error(`there is no operation "${operation}"`)
  const directory = mkdtempSync(join(root, `${contestant}-`))
  const openIn = (name) => {
    mkdirSync(join(directory, name))
    return open(join(directory, name), Number(bytes))
  }
  try {
    return await write(openIn, payloads, Math.ceil(Number(rowCount) * share.puts))
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}
