/** Owns copying all rows of a file into the snapshot of its new journal. */
import type { Database } from 'better-sqlite3'
import { BYTES, type Pieces, rowsOfPiece } from '../pieces.js'
import { Statements } from '../statements.js'

/** The place of a row. */
type Place = [category: unknown, key: unknown]

/** Within a transaction. */
export function* copyRows(db: Database): Pieces {
  const statements = new Statements(db)
  for (let behind: Place | undefined | [] = []; behind !== undefined; ) {
    const from = `FROM kv ${behind.length > 0 ? 'WHERE (category, key) > (?, ?)' : ''} ORDER BY category, key LIMIT ?`
    const place: readonly unknown[] = behind
    const rows = rowsOfPiece((limit) =>
      statements
        .get(`SELECT count(*), total(bytes) FROM (SELECT ${BYTES} ${from})`, 'raw')
        .get(...place, limit)
    )
    const last = statements.get(`SELECT category, key ${from} OFFSET ?`, 'raw').get(...place, 1, rows - 1) as
      | Place
      | undefined
    statements.get(`INSERT INTO journal_snapshot SELECT category, key, payload ${from}`).run(...place, rows)
    behind = last
    yield
  }
}
