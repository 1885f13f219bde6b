/** Owns making files and directories that nobody but their owner may read, whatever the umask of the process. */
import { chmodSync, closeSync, fchmodSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** Makes a directory and those above it. What is there already stays as it is. */
export function makePrivateDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, DIRECTORY_MODE)
}

/** Makes an empty file; throws `EEXIST` when there is one. SQLite gives its companions the same permissions. */
export function makePrivateFile(path: string): void {
  const file = openSync(path, 'wx', FILE_MODE)
  try {
    fchmodSync(file, FILE_MODE)
  } finally {
    closeSync(file)
  }
}

/** Brings a file that nobody has open, or the names in a directory, to the disk. */
function syncToDisk(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** As `syncToDisk`, for the directory of a file; not every system can. */
export function syncDirectoryOf(path: string): void {
  try {
    syncToDisk(dirname(path))
  } catch {
    // Windows has no such thing.
  }
}
