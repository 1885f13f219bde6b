/** Owns what SQLite keeps beside a database: beside the file itself, whatever links lead there. */
import { existsSync, realpathSync, rmSync, statSync } from 'node:fs'

const COMPANIONS = ['-wal', '-shm', '-journal'] as const

/** The file that a path leads to; the path as it is where that is none. */
export function realFile(path: string): string {
  return existsSync(path) ? realpathSync.native(path) : path
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
  return COMPANIONS.some((suffix) => existsSync(`${file}${suffix}`))
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
