/** Owns the rules for the directory that holds the job files. */
import { realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { err, ok, type Result } from 'neverthrow'
import { isUrl } from '../../../runtime/is-url.js'
import { messageOf } from '../../../runtime/message-of.js'
import type { ModuleUrl } from '../../../runtime/platform.js'
import { absolutePath } from '../../absolute-path.js'
import { checkJobId } from '../../checks/job-id.js'
import { describeValue } from '../../describe.js'
import { PersistencyError } from '../../errors.js'
import { codeOf } from '../sqlite-errors.js'

/** What names the directory: its path, a `file:` URL, or `:memory:`. */
export type RootDir = string | ModuleUrl

/** The root directory of jobs that live in memory. */
export const MEMORY = ':memory:'

const EXTENSION = '.db'

/**
 * Checks, without changing anything, that a directory is there or can be made. A URL is taken for the path that it has.
 * Errors: `ERR_ROOT_DIR`.
 */
export function checkRootDir(rootDir: unknown): Result<string, PersistencyError> {
  if (isUrl(rootDir)) return pathOf(rootDir).andThen(checkRootDir)
  if (typeof rootDir !== 'string')
    return refuse(`rootDir must be a string or a file: URL; got ${describeValue(rootDir)}`)
  if (rootDir.trim() === '') return refuse('rootDir is empty; name a directory, or ":memory:"')
  if (rootDir.includes('\0')) return refuse(`rootDir holds a NUL character; got ${describeValue(rootDir)}`)
  if (rootDir === MEMORY) return ok(rootDir)
  return absolutePath(rootDir)
    .orElse((thrown) => refuse(`rootDir ${rootDir} cannot be used: ${messageOf(thrown)}`))
    .andThen((path) => checkDirectory(path, path).map(() => path))
}

function pathOf({ href }: ModuleUrl): Result<string, PersistencyError> {
  try {
    return ok(fileURLToPath(href))
  } catch (thrown) {
    return refuse(`rootDir ${href} cannot be used: ${messageOf(thrown)}`)
  }
}

/** Whether two roots that were checked are the same directory, perhaps by way of links. */
export function isSameDirectory(one: string, other: string): boolean {
  if (one === other) return true
  return one !== MEMORY && other !== MEMORY && realPath(one) === realPath(other)
}

/** Of a path whose end may not be there yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path))
  }
}

/** The file of a job; `:memory:` for one in memory. */
export function jobFile(rootDir: string, jobId: string): string {
  return rootDir === MEMORY ? MEMORY : join(rootDir, `${jobId}${EXTENSION}`)
}

/** The id of the job whose file has that name; `undefined` of any other file. */
export function jobOf(name: string): string | undefined {
  return name.endsWith(EXTENSION)
    ? checkJobId(name.slice(0, -EXTENSION.length)).unwrapOr(undefined)
    : undefined
}

/** The ids of the jobs of a directory that may be in the file at a path: by its name, and by that of what it leads to. */
export function jobsAt(rootDir: string, path: string): string[] {
  const jobs = namesOf(path)
    .filter((file) => isSameDirectory(dirname(file), rootDir))
    .map((file) => jobOf(basename(file)))
  return [...new Set(jobs.filter((id) => id !== undefined))]
}

function namesOf(path: string): string[] {
  try {
    return [path, realpathSync.native(path)]
  } catch {
    return [path]
  }
}

/** Looks at the path, or at its nearest ancestor that exists. */
function checkDirectory(path: string, rootDir: string): Result<void, PersistencyError> {
  let stats: Stats | undefined
  try {
    stats = statSync(path, { throwIfNoEntry: false })
  } catch (thrown) {
    // Below a file there is nothing; the file itself is found further up.
    if (codeOf(thrown) !== 'ENOTDIR') return refuse(`rootDir ${rootDir} cannot be used: ${messageOf(thrown)}`)
  }
  if (stats?.isDirectory()) return ok(undefined)
  if (stats === undefined && dirname(path) !== path) return checkDirectory(dirname(path), rootDir)
  const what =
    path === rootDir ? 'exists and is not a directory' : `cannot be made: ${path} is not a directory`
  return refuse(`rootDir ${rootDir} ${what}`)
}

function refuse(message: string): Result<never, PersistencyError> {
  return err(new PersistencyError('ERR_ROOT_DIR', message))
}
