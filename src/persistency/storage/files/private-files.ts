/** Owns making files and directories that nobody but their owner may read, whatever the umask of the process. */
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../sqlite-errors.js'
import { linkToFreePlace, nameBeside } from './free-place.js'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** Makes a directory and those above it. What is there already stays as it is. */
export function makePrivateDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, DIRECTORY_MODE)
}

/**
 * Makes an empty file of a name that others look for; throws `EEXIST` when there is one. They find it once nobody here has
 * it open any more: a thread that finds it may lock it at once, and closing it after that would drop the locks that this
 * whole process has on it.
 */
export function placePrivateFile(place: string): void {
  // Nothing else replaces nobody's file: without links, threads must not be the first ones in a directory at once.
  if (!isPlaced(place)) makePrivateFile(place)
}

/** Answers `false` where that cannot be done, as without links; the other way then says why, if it meets that as well. */
function isPlaced(place: string): boolean {
  const path = nameBeside(place)
  try {
    makePrivateFile(path)
    return linkToFreePlace(path, place)
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') throw thrown
    return false
  } finally {
    rmSync(path, { force: true })
  }
}

/**
 * Makes an empty file of a name that nobody else looks for; throws `EEXIST` when there is one. SQLite gives its companions
 * the same permissions.
 */
export function makePrivateFile(path: string): void {
  const file = openSync(path, 'wx', FILE_MODE)
  try {
    // What the umask has taken is given back by the path: the permission model of Node.js refuses `fchmod`.
    if ((fstatSync(file).mode & 0o777) !== FILE_MODE) chmodSync(path, FILE_MODE)
  } catch (thrown) {
    rmSync(path, { force: true })
    throw thrown
  } finally {
    closeSync(file)
  }
}
