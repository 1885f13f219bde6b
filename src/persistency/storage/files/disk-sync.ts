/**
 * Owns bringing files to the disk. By handles, whose calls are promises: Node.js's permission model refuses `fsync` and
 * `fdatasync`, but not these.
 */
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Brings what was written to a file to the disk. No database that is open: closing it here would drop its locks. */
export async function syncFile(path: string): Promise<void> {
  // For writing: Windows demands it.
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Brings the names in the directory of a file to the disk; not every system can. */
export async function syncDirectoryOf(path: string): Promise<void> {
  try {
    const directory = await open(dirname(path), 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch {
    // Windows has no such thing.
  }
}
