/** Owns the part of `verify` that has the rows compared with the journal, if there is one. */
import { err, ok, okAsync, type ResultAsync } from 'neverthrow'
import type { PersistencyError } from '../errors.js'
import type { CompareOptions, JournalComparison, JournalDifference } from '../journal/types.js'
import { isWithoutJournal } from '../without-journal.js'
import type { VerifyOptions, VerifyReport } from './types.js'

/** The journal of a job, as far as it is needed here. */
export interface ComparedJournal {
  readonly compare: (options: CompareOptions) => ResultAsync<JournalComparison, PersistencyError>
  /** Whether somebody serves the job. */
  readonly served: () => boolean
}

/** Adds to the report of a sound file what its rows differ in from its journal. */
export function verifyJournal(
  report: VerifyReport,
  { quick = false, signal }: VerifyOptions,
  { compare, served }: ComparedJournal
): ResultAsync<VerifyReport, PersistencyError> {
  if (!report.ok || quick) return okAsync(report)
  return compare({ timeoutMs: Number.POSITIVE_INFINITY, signal })
    .map((comparison) => withJournal(report, comparison))
    .orElse((error) => {
      if (isWithoutJournal(error, served())) return ok(report)
      return error.code === 'ERR_JOURNAL' ? ok(withDamage(report, error)) : err(error)
    })
}

/** The report, with a journal that cannot be read, so that the rows cannot be compared with it. */
export function withDamage(report: VerifyReport, { message }: PersistencyError): VerifyReport {
  return { ...report, ok: false, problems: [{ check: 'journal', message }] }
}

/** The report, with what the comparison has found. */
export function withJournal(
  report: VerifyReport,
  { differing, differences }: Pick<JournalComparison, 'differing' | 'differences'>
): VerifyReport {
  if (differing === 0) return report
  const message = ({ kind, category, key }: JournalDifference): string =>
    `row ${key.toString()} of category ${JSON.stringify(category)} is ${kind}, going by the journal`
  const problems = differences.map(
    (difference) => ({ check: 'journal', message: message(difference) }) as const
  )
  return { ...report, ok: false, problems }
}
