/** Owns finding the tenants whose files lie in a directory. Opens none of them. */
import { opendir } from 'node:fs/promises'

/** So many files are looked at. */
export const MAX_STORED_JOBS = 1000
const JOB_FILE = /^([A-Za-z0-9_-][A-Za-z0-9._-]{0,127})\.db$/

/** Their ids; `undefined` when there is no directory to look through, or not yet. */
export async function storedJobs(rootDir: string): Promise<ReadonlySet<string> | undefined> {
  if (rootDir === ':memory:') return undefined
  try {
    const found = new Set<string>()
    for await (const entry of await opendir(rootDir)) {
      const id = JOB_FILE.exec(entry.name)?.[1]
      if (id !== undefined && entry.isFile()) found.add(id)
      if (found.size >= MAX_STORED_JOBS) return found
    }
    return found
  } catch {
    return undefined
  }
}
