/**
 * Temporary folders and the jobs in them; both are gone after the tests. The Jest project says on which threads they
 * run, so that the same tests hold for each.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from '@jest/globals'
import { type Job, type JobOptions, Persistency, type PersistencyOptions } from 'persistency'
import { okOf } from './storage-results.js'

/** Set by the project in jest.config.ts. */
export const THREADS: Pick<PersistencyOptions, 'threads'> =
  (globalThis as { storageThreads?: object }).storageThreads ?? {}

/** Whether the storage runs on threads besides that of the tests. */
export const HAS_THREADS = THREADS.threads !== 'none'

/** For what says itself on which threads its jobs run: once is enough. */
export const testOnce = THREADS.threads === undefined ? test : test.skip
export const describeOnce = THREADS.threads === undefined ? describe : describe.skip

/** How many storage threads there are, where there are any. */
export const threads = (count: number): number => (HAS_THREADS ? count : 0)

/** For what happens when a storage thread dies, where there are any. */
export const testOfThreads = HAS_THREADS ? test : test.skip
export const describeThreads = HAS_THREADS ? describe : describe.skip

export interface OpenedJob {
  readonly root: string
  readonly file: string
  readonly persistency: Persistency
  readonly job: Job
}

/**
 * Call it at the top of a test file; everything it makes is closed and removed after each test, or, with `afterAll`,
 * after the last one: for tests that only look at what is there.
 */
export function useStorage(after: typeof afterEach = afterEach) {
  const folders: string[] = []
  const owners: Persistency[] = []
  after(async () => {
    const closed = await Promise.all(owners.splice(0).map((owner) => owner.close()))
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
    for (const answer of closed) await okOf(answer)
  })

  /** A new, empty folder. */
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'persistency-'))
    folders.push(path)
    return path
  }

  /** A coordinator of a folder, by default of a new one. */
  const owner = (options: string | PersistencyOptions = folder()): Persistency => {
    const own = typeof options === 'string' ? { rootDir: options } : options
    const persistency = Persistency.open({ ...THREADS, ...own })._unsafeUnwrap()
    owners.push(persistency)
    return persistency
  }

  /** An open job, by default in a new folder. */
  const open = async (options: JobOptions = {}, root: string = folder()): Promise<OpenedJob> => {
    const persistency = owner(root)
    const job = await okOf(persistency.openJob('tenant', options))
    return { root, file: join(root, 'tenant.db'), persistency, job }
  }

  return { folder, owner, open }
}

/** The names in a folder, sorted; none when there is no such folder. */
export function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}
