/** Owns putting a backup in the place of a job that is not open. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { messageOf } from '../../../runtime/message-of.js'
import type { Patient } from '../busy.js'
import { storageError } from '../sqlite-errors.js'
import type { RestoreStart } from '../start.js'
import { isOfSurroundings } from '../surroundings.js'
import { verifyDatabase } from '../verify.js'
import { isLink, removeCompanions } from './companions.js'
import { recognise } from './database-file.js'
import { syncDirectoryOf, syncFile } from './disk-sync.js'
import { changeAlone } from './lone-database.js'
import { refuseOtherOwner } from './own-file.js'
import { checkReadable, PartialFile, taken } from './partial-file.js'
import { makePrivateDirectory } from './private-files.js'
import { copySource, UNATTENDED, unsound } from './restore-source.js'

/**
 * Copies the backup, verifies the copy, and puts it in the place of the job's file in one step. Until then nothing of
 * the job is changed. Throws `PersistencyError`.
 */
export async function restoreFile({ file, from, overwrite }: RestoreStart, patient: Patient): Promise<void> {
  let partial: PartialFile | undefined
  try {
    makePrivateDirectory(dirname(file))
    if (existsSync(file)) refuseOtherOwner(file)
    partial = new PartialFile(file, overwrite)
    checkReadable(from, 'close it first, or back it up with job.backup()')
    await copySource(from, partial.path, patient)
    await syncFile(partial.path)
    requireSound(partial.path, from)
    putInPlace(partial, file, overwrite, patient)
    await syncDirectoryOf(file)
  } catch (thrown) {
    partial?.discard()
    throw storageError('ERR_RESTORE', from, thrown)
  }
}

function putInPlace(partial: PartialFile, file: string, overwrite: boolean, patient: Patient): void {
  changeAlone(file, patient, {
    make() {
      if (partial.takeFreePlace()) return true
      if (!overwrite) throw taken(file)
      // A file is replaced when it is locked, a link to nothing at once.
      if (!isLink(file)) return false
      partial.replace()
      return true
    },
    // With its log in it, the former file is whole until the new one takes its place.
    prepare: (db) => db.pragma('journal_mode = DELETE'),
    change(empty) {
      if (!empty && !overwrite) throw taken(file)
      // What belongs to the former file must not be taken for part of the new one.
      removeCompanions(file)
      partial.replace()
    }
  })
}

function requireSound(path: string, from: string): void {
  const reasons = problemsOf(path)
  if (reasons.length === 0) return
  const more = reasons.length > 1 ? ` (and ${reasons.length - 1} further problems)` : ''
  throw unsound(from, `${reasons[0]}${more}`)
}

function problemsOf(path: string): string[] {
  let db: Database.Database | undefined
  try {
    db = new Database(path, { fileMustExist: true })
    if (recognise(db, 'it')) return ['it is empty']
    // One plain file; the job makes its log when it is opened.
    db.pragma('journal_mode = DELETE')
    return verifyDatabase(db, false, UNATTENDED).problems.map(({ message }) => message)
  } catch (thrown) {
    if (isOfSurroundings(thrown)) throw thrown
    return [messageOf(thrown)]
  } finally {
    db?.close()
  }
}
