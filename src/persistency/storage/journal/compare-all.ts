/** Owns comparing all rows of a database that nobody writes to with what its journal says they are. */
import type { Database } from 'better-sqlite3'
import type { JournalCompareQuery } from '../../journal/message-payloads.js'
import type { JournalComparison, JournalDifference } from '../../journal/types.js'
import { type Operation, throwIfEnded } from '../operation.js'
import { SqliteStore } from '../sqlite-store.js'
import { compareWithJournal, MAX_TOLD } from './compare.js'
import { JournalLog } from './journal-log.js'
import { PastStores } from './past-stores.js'

const UNHURRIED = { busyTimeoutMs: 0, urgent: () => false }

/** Throws what `operation` ends with, and `ERR_JOURNAL`. */
export function compareAll(
  db: Database,
  operation: Operation
): Pick<JournalComparison, 'differing' | 'differences'> {
  const journal = new JournalLog(db)
  const actual = new SqliteStore(db, UNHURRIED, { journal })
  const past = new PastStores()
  const differences: JournalDifference[] = []
  let differing = 0
  try {
    for (let query: JournalCompareQuery = {}; ; ) {
      throwIfEnded(operation)
      const step = journal.consistently(() =>
        past.last(journal, (expected) =>
          compareWithJournal({ actual, expected, seq: journal.lastSeq, mending: false }, query)
        )
      )
      if (!step.ready) continue
      differing += step.value.differing
      differences.push(...step.value.differences.slice(0, MAX_TOLD - differences.length))
      if (step.value.next === undefined) return { differing, differences }
      query = { behind: step.value.next }
    }
  } finally {
    past.close()
  }
}
