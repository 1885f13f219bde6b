/** Owns the files that reads are measured on: made once, in a process of their own, and read by many trials. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkRows } from './check.mjs'
import { eachChunk, inOrder, keyText, payloadsOf } from './data.mjs'

const CHUNK_ROWS = 100_000

/** The directory of a contestant that holds so many rows. */
export function filledDirectory(contestant, bytes, rows, root) {
  const directory = join(root, `filled-${contestant}-${bytes}-${rows}`)
  if (existsSync(directory)) return directory
  const unfinished = `${directory}-unfinished`
  mkdirSync(unfinished)
  const trial = fileURLToPath(new URL('./run.mjs', import.meta.url))
  execFileSync(process.execPath, [trial, contestant, `fill/${bytes}/${rows}`, unfinished])
  renameSync(unfinished, directory)
  return directory
}

/** Writes so many rows into a directory, and answers how many. */
export async function fill(open, payloads, rows, directory) {
  const store = await open(directory)
  const indices = inOrder(rows)
  await eachChunk(rows, CHUNK_ROWS, async (from, to) => {
    const chunk = indices.subarray(from, to)
    const keys = Array.from(chunk, (index) => store.key(keyText(index)))
    await store.putBatches(keys, payloadsOf(payloads, chunk))
  })
  await checkRows(store, payloads, rows)
  await store.close()
  return rows
}
