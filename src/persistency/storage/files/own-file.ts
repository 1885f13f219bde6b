/**
 * Owns that two job ids never share a file. Some file systems take `Foo.db` and `foo.db` for one file; ids are told apart
 * by case. Which file a path leads to is asked of the file system, so that nothing changes where it tells them apart.
 */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { PersistencyError } from '../../errors.js'
import { realFile } from './companions.js'

/** The name of the file that `path` leads to, if to any, when that is the file of an id in other letter case. */
export function otherOwnerOf(path: string): string | undefined {
  const asked = basename(path)
  const actual = basename(realFile(path))
  if (actual !== asked && isSameButForCase(actual, asked)) return actual
  // Some systems answer with the name that they were asked for.
  return knowsNoCase(path) ? listedName(path) : undefined
}

/** Throws `ERR_JOB_ID` when `path` leads to the file of another id. */
export function refuseOtherOwner(path: string): void {
  const other = otherOwnerOf(path)
  if (other === undefined) return
  const message = `${path}: this file system takes it for ${other}, the file of another job; choose ids that differ in more than letter case`
  throw new PersistencyError('ERR_JOB_ID', message)
}

/** Whether the same name in other letter case leads to the same file. */
function knowsNoCase(path: string): boolean {
  const name = basename(path)
  const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase()
  if (other === name) return false
  const there = statSync(join(dirname(path), other), { bigint: true, throwIfNoEntry: false })
  if (there === undefined) return false
  const here = statSync(path, { bigint: true, throwIfNoEntry: false })
  return here?.ino === there.ino && here.dev === there.dev
}

/** The name of the file in its directory, when it is not the one that was asked for. */
function listedName(path: string): string | undefined {
  const asked = basename(path)
  const names = readdirSync(dirname(path)).filter((name) => isSameButForCase(name, asked))
  return names.includes(asked) ? undefined : names[0]
}

function isSameButForCase(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
