/** The engine's own limit: SQLite in the same thread, with the table and the settings of this package. */
import { openSqlite } from './sqlite.mjs'

const TUNED = ['cache_size = -32768', 'wal_autocheckpoint = 4000', 'journal_size_limit = 67108864']

export const open = (directory) => openSqlite(directory, TUNED)
