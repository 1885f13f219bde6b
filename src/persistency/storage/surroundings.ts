/**
 * Owns telling failures of what surrounds a file from those of the file itself. A lock, a full disk or a want of memory says
 * nothing about what is stored: whoever took it for damage would put an old backup in the place of sound rows.
 */
import { PersistencyError } from '../errors.js'
import { codeOf } from './sqlite-errors.js'

/** How such codes of SQLite begin. */
const OF_SURROUNDINGS =
  /^SQLITE_(BUSY|LOCKED|PROTOCOL|FULL|NOMEM|CANTOPEN|PERM|READONLY|NOLFS|INTERRUPT|IOERR)(_|$)/

/**
 * Codes that begin like those and are of the file: it was cut off, or the disk does not give back what is in it. That is as
 * lost as what is damaged, and SQLite's own check lists it among the damage, too.
 */
const OF_THE_FILE = /^SQLITE_IOERR_(READ|SHORT_READ|CORRUPTFS|DATA|IN_PAGE)$/

/** Those of the operating system, such as EMFILE; those of Node.js have an underscore. */
const OF_THE_SYSTEM = /^E[A-Z0-9]+$/

/** Whether something failed for a reason that has nothing to do with what is in the file. */
export function isOfSurroundings(thrown: unknown): boolean {
  const code = (thrown instanceof PersistencyError ? thrown.backendCode : codeOf(thrown)) ?? ''
  return (OF_SURROUNDINGS.test(code) && !OF_THE_FILE.test(code)) || OF_THE_SYSTEM.test(code)
}

/** Whether SQLite says that a file is damaged, or no database. */
export function isDamage(thrown: unknown): boolean {
  return /^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(thrown) ?? '')
}
