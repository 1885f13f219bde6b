/** Owns a file under construction: it has a name of its own until it is complete, then takes its place in one step. */
import { accessSync, constants, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { PersistencyError } from '../../errors.js'
import { codeOf, directoryInPlace } from '../sqlite-errors.js'
import { logOf, removeDatabase } from './companions.js'
import { syncDirectoryOf } from './disk-sync.js'
import { linkToFreePlace, nameBeside } from './free-place.js'
import { makePrivateFile } from './private-files.js'

export class PartialFile {
  /** Where it is for now, in the directory of its place. */
  readonly path: string
  readonly #place: string
  readonly #overwrite: boolean

  /** Makes it. Throws `ERR_EXISTS` when a file is in its place, and what the file system throws, also for a directory. */
  constructor(place: string, overwrite: boolean) {
    this.#place = place
    this.#overwrite = overwrite
    const stats = statSync(place, { throwIfNoEntry: false })
    if (stats?.isDirectory()) throw directoryInPlace()
    if (!overwrite && stats !== undefined) throw taken(place)
    this.path = nameBeside(place)
    makePrivateFile(this.path)
  }

  /** Puts it in its place, at once, instead of what may be there. Nobody ever sees part of it there. */
  replace(): void {
    renameSync(this.path, this.#place)
  }

  /** The same, but only where nothing is; answers `false` when something is. */
  takeFreePlace(): boolean {
    try {
      if (linkToFreePlace(this.path, this.#place)) {
        rmSync(this.path, { force: true })
        return true
      }
    } catch (thrown) {
      if (codeOf(thrown) === 'EEXIST') return false
      throw thrown
    }
    if (existsSync(this.#place)) return false
    renameSync(this.path, this.#place)
    return true
  }

  /** Puts it in its place, as it was asked to, and that to the disk. */
  async complete(): Promise<void> {
    if (this.#overwrite) this.replace()
    else if (!this.takeFreePlace()) throw taken(this.#place)
    await syncDirectoryOf(this.#place)
  }

  /** Removes it; for when it was not completed. */
  discard(): void {
    removeDatabase(this.path)
  }
}

/**
 * Refuses a file that somebody may have open as a database: its write-ahead log is beside it, and what is in there would
 * be missed.
 */
export function refuseOpenDatabase(path: string, what: string): void {
  if (!existsSync(logOf(path))) return
  const message = `${path}: has a write-ahead log beside it, so it is in use or was not closed; ${what}`
  throw new PersistencyError('ERR_JOB_IN_USE', message)
}

/** Refuses such a file, and one that is not there or may not be read. Throws also what the file system throws. */
export function checkReadable(path: string, what: string): void {
  refuseOpenDatabase(path, what)
  accessSync(path, constants.R_OK)
  if (statSync(path).isDirectory()) throw directoryInPlace()
}

/** What is in the place of a file that is not to replace anything. */
export function taken(place: string): PersistencyError {
  const message = `${place}: is there already; choose another name, or pass overwrite: true to replace it`
  return new PersistencyError('ERR_EXISTS', message)
}
