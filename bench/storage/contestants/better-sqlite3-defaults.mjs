/** SQLite in the same thread with WAL and nothing else set. */
import { openSqlite } from './sqlite.mjs'

export const open = (directory) => openSqlite(directory, [])
