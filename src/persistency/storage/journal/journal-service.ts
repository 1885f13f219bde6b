/** Owns answering the requests for the journal of one open job. */
import type { RequestDefinition } from '../../../brokers/definitions.js'
import { PersistencyError } from '../../errors.js'
import {
  SubscriptionAdvance,
  SubscriptionClaim,
  SubscriptionForget,
  SubscriptionList,
  SubscriptionMove,
  SubscriptionParked
} from '../../eventsourcing/messages.js'
import type { JournalComparedRows, JournalCompareQuery, Stepwise } from '../../journal/message-payloads.js'
import {
  JournalAppend,
  JournalCompare,
  JournalCountAt,
  JournalFindAppend,
  JournalGetAt,
  JournalInfo,
  JournalRead,
  JournalRebuild,
  JournalScanAt,
  JournalStreamSeq
} from '../../journal/messages.js'
import type { Pace } from '../pace.js'
import type { SlicedRead } from '../sliced-read.js'
import { slicedCount, slicedGetMany, slicedScan } from '../sliced-reads.js'
import type { SqliteStore } from '../sqlite-store.js'
import type { StoreHolder } from '../store-holder.js'
import { type PiecewiseWork, UNFINISHED } from '../tasks.js'
import { append, findAppend, streamSeqOf } from './append.js'
import { compareWithJournal } from './compare.js'
import type { JournalLog } from './journal-log.js'
import { readPage } from './page.js'
import { PastStores } from './past-stores.js'
import * as subscriptions from './subscriptions.js'

/** Has a request answered by `work`, within a transaction when it `writes`. */
export type Answer = <Query, Response>(
  request: RequestDefinition<Query, Response, PersistencyError>,
  writes: boolean,
  work: (query: Query) => Response
) => void

/** Has a request answered by reading that may take several slices. */
export type AnswerPiecewise = <Query, Response>(
  request: RequestDefinition<Query, Response, PersistencyError>,
  begin: (query: Query) => PiecewiseWork
) => void

export class JournalService {
  readonly #holder: StoreHolder
  readonly #jobId: string
  readonly #pace: Pace
  readonly #past = new PastStores()

  constructor(holder: StoreHolder, jobId: string, pace: Pace) {
    this.#holder = holder
    this.#jobId = jobId
    this.#pace = pace
  }

  /** Announces everything that is answered here. */
  answer(answer: Answer, answerPiecewise: AnswerPiecewise): void {
    const past = this.#past
    answer(JournalAppend, true, (query) => {
      const store = this.#holder.open()
      return append(store, this.#journalOf(store), query)
    })
    answer(JournalRead, false, (query) => this.#reading((journal) => readPage(journal, query)))
    answer(JournalInfo, false, () => this.#reading((journal) => journal.status()))
    answer(JournalStreamSeq, false, (stream) => this.#reading((journal) => streamSeqOf(journal, stream)))
    answer(JournalFindAppend, false, (query) => this.#reading((journal) => findAppend(journal, query)))
    answerPiecewise(JournalGetAt, ({ seq, category, keys }) => {
      const sliced = slicedGetMany({ category, keys })
      if (sliced !== undefined) return this.#inSlicesAt(seq, sliced)
      return {
        work: () =>
          this.#reading((journal) => past.at(journal, seq, (store) => store.getMany(category, keys)))
      }
    })
    answerPiecewise(JournalScanAt, ({ seq, ...query }) => this.#inSlicesAt(seq, slicedScan(query)))
    if (this.#pace.shared) {
      answerPiecewise(JournalCountAt, ({ seq, ...query }) => this.#inSlicesAt(seq, slicedCount(query)))
    } else {
      answer(JournalCountAt, false, ({ seq, category, range }) =>
        this.#reading((journal) => past.at(journal, seq, (store) => store.count(category, range)))
      )
    }
    answer(JournalCompare, false, (query) => this.#compare(query, false))
    answer(JournalRebuild, true, (query) => this.#compare(query, true))
    this.#answerSubscriptions(answer)
  }

  close(): void {
    this.#past.close()
  }

  #answerSubscriptions(answer: Answer): void {
    const writing = <T>(work: (store: SqliteStore, journal: JournalLog) => T): T => {
      const store = this.#holder.open()
      return work(store, this.#journalOf(store))
    }
    answer(SubscriptionClaim, true, (query) =>
      writing((store, journal) => subscriptions.claim(store, journal, query))
    )
    answer(SubscriptionAdvance, true, (query) =>
      writing((store, journal) => subscriptions.advance(store, journal, query))
    )
    answer(SubscriptionMove, true, (query) => writing((_, journal) => subscriptions.move(journal, query)))
    answer(SubscriptionForget, true, ({ name }) =>
      writing((_, journal) => subscriptions.forget(journal, name))
    )
    answer(SubscriptionParked, false, (query) =>
      this.#reading((journal) => subscriptions.parked(journal, query))
    )
    answer(SubscriptionList, false, () => this.#reading((journal) => subscriptions.list(journal)))
  }

  /** Of a state that does not change, however many slices it takes. */
  #inSlicesAt<T>(seq: number, read: SlicedRead<T>): PiecewiseWork {
    const work = (): unknown => {
      const step = this.#reading((journal) =>
        this.#past.at(journal, seq, (store) => read.goOn(store, this.#pace) ?? UNFINISHED)
      )
      return step.ready && step.value === UNFINISHED ? UNFINISHED : step
    }
    return { work, startOver: () => read.startOver() }
  }

  /** Each step looks at twice as many rows as may have been added since the one before: so it gains on any writer. */
  #compare(query: JournalCompareQuery, mending: boolean): Stepwise<JournalComparedRows> {
    return this.#reading((journal, actual) =>
      this.#past.last(journal, (expected, changes) => {
        const atLeast = query.behind === undefined && Number.isFinite(changes) ? 0 : 2 * changes
        return compareWithJournal({ actual, expected, seq: journal.lastSeq, mending }, query, atLeast)
      })
    )
  }

  /** Reads the journal as of one moment. */
  #reading<T>(work: (journal: JournalLog, store: SqliteStore) => T): T {
    const store = this.#holder.open()
    const journal = this.#journalOf(store)
    return journal.consistently(() => work(journal, store))
  }

  #journalOf(store: SqliteStore): JournalLog {
    const journal = store.journal ?? store.lookForJournal()
    if (journal === undefined) {
      const how = 'open it with { journal: true }; the options of later calls do not count while it is open'
      const message = `job "${this.#jobId}" has no journal; ${how}`
      throw new PersistencyError('ERR_NO_JOURNAL', message)
    }
    journal.hold(this.#past.held)
    return journal
  }
}
