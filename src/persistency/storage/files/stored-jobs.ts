/** Owns finding the jobs whose files lie in a directory. Looks at names, and opens nothing. */
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { err, ok, type Result } from 'neverthrow'
import type { PersistencyError } from '../../errors.js'
import { codeOf, storageError } from '../sqlite-errors.js'
import { jobOf, MEMORY } from './root-dir.js'

/** Their ids, in any order; none where there is no directory yet. Errors: `ERR_LIST`. */
export async function storedJobs(rootDir: string): Promise<Result<string[], PersistencyError>> {
  if (rootDir === MEMORY) return ok([])
  try {
    const ids: string[] = []
    for (const entry of await readdir(rootDir, { withFileTypes: true })) {
      const id = jobOf(entry.name)
      if (id !== undefined && (await isFile(rootDir, entry))) ids.push(id)
    }
    return ok(ids)
  } catch (thrown) {
    return codeOf(thrown) === 'ENOENT' ? ok([]) : err(storageError('ERR_LIST', rootDir, thrown))
  }
}

/** Also one that a link leads to, unless it leads nowhere. */
async function isFile(rootDir: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile()
  return await stat(join(rootDir, entry.name)).then(
    (stats) => stats.isFile(),
    () => false
  )
}
