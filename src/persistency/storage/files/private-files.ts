/** Owns making files and directories that nobody but their owner may read, whatever the umask of the process. */
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, rmSync } from 'node:fs'
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
    // What the umask has taken is given back by the path: the permission model of Node.js refuses `fchmod`.
    if ((fstatSync(file).mode & 0o777) !== FILE_MODE) chmodSync(path, FILE_MODE)
  } catch (thrown) {
    rmSync(path, { force: true })
    throw thrown
  } finally {
    closeSync(file)
  }
}
