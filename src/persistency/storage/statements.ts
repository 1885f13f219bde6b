/** Owns the prepared statements of a connection: each text is prepared once and kept. */
import type { Database, Statement } from 'better-sqlite3'

/** What a statement answers with: row objects, the first column, or arrays. */
export type RowForm = 'object' | 'pluck' | 'raw'

const TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"

export class Statements {
  readonly #db: Database
  readonly #prepared = new Map<string, Statement>()

  constructor(db: Database) {
    this.#db = db
  }

  /** Few texts are ever used: their shapes are ours, only the values bound to them come from outside. */
  get(sql: string, form: RowForm = 'object'): Statement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      if (form !== 'object') statement[form]()
      this.#prepared.set(sql, statement)
    }
    return statement
  }

  hasTable(name: string): boolean {
    return this.get(TABLE).get(name) !== undefined
  }
}
