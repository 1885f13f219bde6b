/**
 * Owns that two job ids never share a file. Most file systems of macOS and Windows take `Foo.db` and `foo.db` for one
 * file; ids are told apart by case. Which file a path leads to is asked of the file system, so that nothing changes
 * where it tells them apart.
 */
import { realpathSync } from 'node:fs'
import { basename } from 'node:path'

/** The name of the file that `path` leads to, when that is the file of an id in other letter case. */
export function otherOwnerOf(path: string): string | undefined {
  const asked = basename(path)
  const actual = basename(realpathSync.native(path))
  return actual !== asked && actual.toLowerCase() === asked.toLowerCase() ? actual : undefined
}
