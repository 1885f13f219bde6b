/**
 * Owns copying the file that is to be restored, as of one moment. It may be that of a job, which somebody opens meanwhile, so
 * SQLite reads it; see `plain-database.ts`.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { messageOf } from '../../../runtime/message-of.js'
import { PersistencyError } from '../../errors.js'
import { isBusy, type Patient, whenFree } from '../busy.js'
import type { Operation } from '../operation.js'
import { copyPages } from '../page-copy.js'
import { codeOf } from '../sqlite-errors.js'
import { isDamage } from '../surroundings.js'
import { logOf, realFile } from './companions.js'
import { MOVED, OpenedFile } from './opened-file.js'
import { openPlain } from './plain-database.js'

const CHUNK_BYTES = 1024 * 1024

/** Nobody is told of the progress of a restore, or can end it. */
export const UNATTENDED: Operation = { ended: undefined, progress: () => {} }

/**
 * Copies it into the file at `to`. Leaves it as it is, and nothing beside it. Throws `ERR_JOB_IN_USE`,
 * `ERR_BACKUP_UNSOUND`, and what SQLite and the file system throw.
 */
export async function copySource(from: string, to: string, patient: Patient): Promise<void> {
  const source = openSource(from, patient)
  if (source === undefined) {
    copyUnwritable(from, to)
    return
  }
  try {
    if (source.pragma('page_count', { simple: true }) === 0) throw unsound(from, 'it is empty')
    await copyFrom(source, to)
  } catch (thrown) {
    throw isDamage(thrown) ? unsound(from, messageOf(thrown)) : thrown
  } finally {
    source.close()
  }
}

/** The error of a file that is not what can be restored. */
export function unsound(from: string, problem: string): PersistencyError {
  const message = `${from}: is no sound backup of a job: ${problem}; nothing was changed`
  return new PersistencyError('ERR_BACKUP_UNSOUND', message)
}

async function copyFrom(source: Database.Database, to: string): Promise<void> {
  const written = await open(to, 'r')
  try {
    // What others write does not change what this connection sees.
    const maxRestarts = Number.POSITIVE_INFINITY
    await copyPages(source, { path: to, written, operation: UNATTENDED, maxRestarts })
  } finally {
    await written.close()
  }
}

/** A connection that sees one moment until it is closed; `undefined` for what only a copy of can be read. */
function openSource(from: string, patient: Patient): Database.Database | undefined {
  try {
    return openPlain(from, patient) ?? (mayWriteAt(from) ? openWithLog(from, patient) : undefined)
  } catch (thrown) {
    if (isDamage(thrown)) throw unsound(from, messageOf(thrown))
    if (!isBusy(thrown) && !isUnfinished(thrown) && codeOf(thrown) !== MOVED) throw thrown
    const message = `${from}: is in use, in this process or another, or was not closed; close it first, or back it up with job.backup()`
    throw new PersistencyError('ERR_JOB_IN_USE', message)
  }
}

/** SQLite makes a log for it, which it takes away again as the last one who has the file open. */
function openWithLog(from: string, patient: Patient): Database.Database {
  const found = new OpenedFile(from)
  // While it waits somebody may take the file away, and SQLite is not to read the log of another one.
  const db = new Database(from, { fileMustExist: true, timeout: 0 })
  try {
    db.exec('BEGIN')
    whenFree(patient, () => {
      found.requireInPlace()
      db.pragma('schema_version')
    })
    // From here on nobody takes it away.
    found.requireInPlace()
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

/** Whether the journal of somebody who died over a transaction is beside it. */
function isUnfinished(thrown: unknown): boolean {
  return /^SQLITE_READONLY_(ROLLBACK|RECOVERY)/.test(codeOf(thrown) ?? '')
}

/** Whether this process may write to the file, and make others beside it, as whoever opens it as a job must. */
function mayWriteAt(from: string): boolean {
  try {
    const real = realFile(from)
    for (const path of [real, dirname(real)]) accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The file of a job that was closed, where nothing can be made beside it. Nobody in this process has it open, who would have
 * to write there; another one may, who has more rights, and is noticed by what it changes.
 */
function copyUnwritable(from: string, to: string): void {
  const before = stateOf(from)
  copyByHand(from, to)
  if (stateOf(from) === before) return
  const message = `${from}: was opened or changed while it was copied; close it there first, then try again`
  throw new PersistencyError('ERR_JOB_IN_USE', message)
}

function stateOf(from: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(from, { bigint: true })
  const log = statSync(logOf(from), { throwIfNoEntry: false })
  return [ino, size, mtimeNs, ctimeNs, log === undefined].join(' ')
}

/** The file system's own way of copying gives the copy the permissions of the original. */
function copyByHand(from: string, to: string): void {
  const source = openSync(from, 'r')
  try {
    const target = openSync(to, 'r+')
    try {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      for (let read = readSync(source, chunk); read > 0; read = readSync(source, chunk)) {
        for (let written = 0; written < read; ) written += writeSync(target, chunk, written, read - written)
      }
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}
