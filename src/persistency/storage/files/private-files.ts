/** Owns making files and directories that nobody but their owner may read, whatever the umask of the process. */
import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../sqlite-errors.js'
import { linkToFreePlace, nameBeside } from './free-place.js'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL

/**
 * Has each write wait for the disk; Windows has no such thing. Syncing the file would do the same, but the permission model of
 * Node.js refuses that.
 */
const SYNCED: number | undefined = constants.O_SYNC

/** Makes a directory and those above it. What is there already stays as it is. */
export function makePrivateDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, DIRECTORY_MODE)
}

/** What a new file begins with. */
export interface Content {
  readonly bytes: Uint8Array
  /** Whether they are to be on the disk before anybody finds the file. */
  readonly synced: boolean
}

/**
 * Makes a file of a name that others look for; throws `EEXIST` when there is one. They find it once nobody here has it open
 * any more: a thread that finds it may lock it at once, and closing it after that would drop the locks that this whole
 * process has on it.
 *
 * @param content left out where the system cannot have it there, or on the disk, before anybody finds the file
 */
export function placePrivateFile(place: string, content?: Content): void {
  const possible = content?.synced && SYNCED === undefined ? undefined : content
  // Nothing else replaces nobody's file: without links, threads must not be the first ones in a directory at once.
  if (!isPlaced(place, possible)) makePrivateFile(place)
}

/** Answers `false` where that cannot be done, as without links; the other way then says why, if it meets that as well. */
function isPlaced(place: string, content: Content | undefined): boolean {
  const path = nameBeside(place)
  try {
    makePrivateFile(path, content)
    return linkToFreePlace(path, place)
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') throw thrown
    return false
  } finally {
    rmSync(path, { force: true })
  }
}

/**
 * Makes a file of a name that nobody else looks for; throws `EEXIST` when there is one. SQLite gives its companions the
 * same permissions.
 */
export function makePrivateFile(path: string, content?: Content): void {
  const file = openSync(path, content?.synced ? NEW_FILE | (SYNCED ?? 0) : NEW_FILE, FILE_MODE)
  try {
    if (content !== undefined) writeWhole(file, content.bytes)
    // What the umask has taken is given back by the path: the permission model of Node.js refuses `fchmod`.
    if ((fstatSync(file).mode & 0o777) !== FILE_MODE) chmodSync(path, FILE_MODE)
  } catch (thrown) {
    rmSync(path, { force: true })
    throw thrown
  } finally {
    closeSync(file)
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written)
}
