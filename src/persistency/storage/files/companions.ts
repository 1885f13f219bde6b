/** Owns what SQLite keeps beside a database: beside the file itself, whatever links lead there. */
import { lstatSync, realpathSync, rmSync, statSync } from 'node:fs'
import { codeOf } from '../sqlite-errors.js'

const COMPANIONS = ['-wal', '-shm', '-journal'] as const

/** The file that a path leads to; the path as it is where that is none. */
export function realFile(path: string): string {
  try {
    return realpathSync.native(path)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return path
    throw thrown
  }
}

/** Whether there is a link by this name, be it to something or to nothing. */
export function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

/** The write-ahead log of a database, which may not be there. */
export function logOf(file: string): string {
  return `${realFile(file)}-wal`
}

/** How large the write-ahead log of a database is. */
export function logBytes(file: string): number {
  return statSync(logOf(file), { throwIfNoEntry: false })?.size ?? 0
}

/** Whether there is anything that belongs to a file of this very name, be it to one that has gone. */
export function hasCompanions(file: string): boolean {
  return COMPANIONS.some((suffix) => lstatSync(`${file}${suffix}`, { throwIfNoEntry: false }) !== undefined)
}

/** Removes what belongs to the file that has this very name. */
export function removeCompanions(file: string): void {
  for (const suffix of COMPANIONS) rmSync(`${file}${suffix}`, { force: true })
}

/** Removes a database, first what belongs to it: it must not be taken for part of another file in its place. */
export function removeDatabase(file: string): void {
  removeCompanions(file)
  rmSync(file, { force: true })
}
