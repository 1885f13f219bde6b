/** SQLite in the same thread as one uses it: with the table and the settings of this package, one statement for each row. */
import { openSqlite } from './sqlite.mjs'

export const TUNED = ['cache_size = -32768', 'wal_autocheckpoint = 4000', 'journal_size_limit = 67108864']

export const open = (directory) => openSqlite(directory, TUNED)
