/** Owns the options of jobs and of their threads: names, defaults and limits. */
import { err, ok, type Result } from 'neverthrow'
import { describeValue } from './error-context.js'
import { PersistencyError } from './errors.js'
import type { JournalOptions } from './journal/types.js'

/** What the storage does to keep committed data through a power loss. See `docs/lifecycle-and-guarantees.md`. */
export type Durability = 'normal' | 'full' | 'off'

/** How a job behaves. Every option has a default. */
export interface JobOptions {
  /**
   * `normal` (default): committed data survives the end of the process, and a power loss may take the last commits
   * but never corrupts. `full`: each commit is on disk before it is acknowledged. `off`: the operating system decides;
   * a power loss may corrupt the file.
   */
  readonly durability?: Durability | undefined
  /**
   * Memory that the storage may use for pages of the file, in bytes; it takes only what it needs. Rows outside of it
   * are read from the operating system's cache, or the disk. Default 32 MiB, on shared threads 2 MiB.
   */
  readonly cacheSizeBytes?: number | undefined
  /**
   * Bytes of the file that the storage may map into memory, from its beginning, instead of reading them page by page:
   * reads of a file much larger than `cacheSizeBytes` become up to twice as fast. At most 2 GiB have an effect, and what
   * is mapped counts as resident memory. Whoever cuts a mapped file short, or a disk that fails under it, ends the whole
   * process. Default 0: nothing is mapped.
   */
  readonly mmapSizeBytes?: number | undefined
  /** Bytes of accepted writes that may wait for their commit. Default 64 MiB. */
  readonly maxQueueBytes?: number | undefined
  /** Operations that may wait for their commit. Default 100 000. */
  readonly maxQueueOps?: number | undefined
  /** Past the limits of the queue, `wait` (default) makes `persist` wait for room, `refuse` makes it fail. */
  readonly whenFull?: 'wait' | 'refuse' | undefined
  /** Time limit of reads and of `deleteAcked` in milliseconds, `Infinity` for none. Default 5000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long the storage waits for a lock that another process holds, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number | undefined
  /** How long opening the storage may take, in milliseconds. Default 30 000. */
  readonly openTimeoutMs?: number | undefined
  /**
   * `keep` (default) holds the database open as long as the job is. `close` lets it be closed while others need its
   * place under `maxOpenJobs`; the next call opens it again, in order, and the job notices nothing but the time that
   * takes. Needs a directory, and threads that are shared or `none`.
   */
  readonly whenIdle?: 'keep' | 'close' | undefined
  /**
   * Keeps every write as an event, which can be read again; see `docs/event-sourcing.md`. `true` keeps all of them,
   * limits let the oldest fall off. A file that has a journal goes on with it and its limits when this is left out or
   * `false`, the default; `true` lifts the limits.
   */
  readonly journal?: boolean | JournalOptions | undefined
  /**
   * Has the storage started again when its thread dies: accepted writes are kept, sent again in order and applied once,
   * reads are asked again, and the job goes on; see `docs/lifecycle-and-guarantees.md`. It fails when new threads get
   * nowhere. Takes a copy of each write, and a row per transaction. Needs a directory and a thread besides the one that
   * opens the job. Default `false`: the job fails.
   */
  readonly restart?: boolean | undefined
}

/** Which threads the storage of the jobs runs on; `none` is that of whoever opens them. */
export type ThreadsOption = 'dedicated' | 'none' | { readonly shared: number }

/** Options with a value for each of them. */
export type Complete<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>
}

/** Job options with every default filled in. */
export type ResolvedJobOptions = Complete<JobOptions>

/** The options of a job that is opened without any. On shared threads the cache is 2 MiB instead. */
export const DEFAULT_JOB_OPTIONS: ResolvedJobOptions = Object.freeze({
  durability: 'normal',
  cacheSizeBytes: 32 * 1024 * 1024,
  mmapSizeBytes: 0,
  maxQueueBytes: 64 * 1024 * 1024,
  maxQueueOps: 100_000,
  whenFull: 'wait',
  requestTimeoutMs: 5000,
  busyTimeoutMs: 5000,
  openTimeoutMs: 30_000,
  whenIdle: 'keep',
  journal: false,
  restart: false
})

/** Those of jobs on shared threads: there may be a thousand of them, so each has a small cache. */
export const SHARED_JOB_OPTIONS: ResolvedJobOptions = Object.freeze({
  ...DEFAULT_JOB_OPTIONS,
  cacheSizeBytes: 2 * 1024 * 1024
})

type Check = (value: unknown) => string | undefined

const CHECKS: Record<keyof JobOptions, Check> = {
  durability: oneOf('normal', 'full', 'off'),
  cacheSizeBytes: integerFrom(64 * 1024),
  mmapSizeBytes: integerFrom(0),
  maxQueueBytes: integerFrom(1),
  maxQueueOps: integerFrom(1),
  whenFull: oneOf('wait', 'refuse'),
  requestTimeoutMs: positiveMs,
  busyTimeoutMs: integerFrom(0, 2 ** 31 - 1),
  openTimeoutMs: positiveMs,
  whenIdle: oneOf('keep', 'close'),
  journal: journalOption,
  restart: booleanValue
}

/** Checks options and fills in what is missing. Errors: `ERR_OPTION`, for unknown names too. */
export function resolveJobOptions(
  options: unknown,
  defaults: ResolvedJobOptions = DEFAULT_JOB_OPTIONS
): Result<ResolvedJobOptions, PersistencyError> {
  const checked = checkOptions<JobOptions>(options ?? {}, CHECKS)
  return checked.andThen(({ journal, ...given }) => {
    const resolved = complete<JobOptions>(defaults, given)
    if (typeof journal !== 'object') return ok(complete<JobOptions>(resolved, { journal }))
    // A copy: what becomes of the object of the caller has not been checked.
    return checkOptions<JournalOptions>(journal, JOURNAL_CHECKS).map((limits) => ({
      ...resolved,
      journal: Object.freeze(limits)
    }))
  })
}

/** The options that are given, and the defaults of the others. */
export function complete<Options extends object>(
  defaults: Complete<Options>,
  given: Options = {} as Options
): Complete<Options> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(entries) }
}

/**
 * Checks an object of options against the known names; options that are `undefined` count as not given.
 * Errors: `ERR_OPTION`, naming the option, the value and what is allowed.
 */
export function checkOptions<Options>(
  options: unknown,
  checks: Readonly<Record<string, Check>>
): Result<Options, PersistencyError> {
  if (typeof options !== 'object' || options === null || holdsNone(options)) {
    return err(new PersistencyError('ERR_OPTION', `options must be an object; got ${describeValue(options)}`))
  }
  try {
    return readOptions(options, checks)
  } catch (cause) {
    return err(
      new PersistencyError('ERR_OPTION', 'the options could not be read: a getter of theirs threw', { cause })
    )
  }
}

/** A list, a map, or a signal in place of an object that holds one: what has no fields, and is no object of options. */
function holdsNone(options: object): boolean {
  try {
    return Object.keys(options).length === 0 && !isPlain(options)
  } catch {
    return false
  }
}

function readOptions<Options>(
  options: object,
  checks: Readonly<Record<string, Check>>
): Result<Options, PersistencyError> {
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      const known = Object.keys(checks).join(', ')
      return err(new PersistencyError('ERR_OPTION', `there is no option "${name}"; known are ${known}`))
    }
    if (value === undefined) continue
    const expected = check(value)
    if (expected !== undefined) {
      const message = `option "${name}" must be ${expected}; got ${describeValue(value)}`
      return err(new PersistencyError('ERR_OPTION', message))
    }
    given[name] = value
  }
  return ok(given as Options)
}

/** Allows the listed values. */
export function oneOf(...allowed: readonly unknown[]): Check {
  const expected = allowed.map((value) => JSON.stringify(value)).join(' or ')
  return (value) => (allowed.includes(value) ? undefined : expected)
}

/** Allows whole numbers in a range. */
export function integerFrom(least: number, most: number = Number.MAX_SAFE_INTEGER): Check {
  const expected =
    most === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${least}`
      : `an integer from ${least} to ${most}`
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : expected
}

/** Allows what names the threads of jobs. */
export function threadsOption(value: unknown): string | undefined {
  if (value === 'dedicated' || value === 'none') return undefined
  const shared =
    typeof value === 'object' && value !== null ? (value as { shared?: unknown }).shared : undefined
  const fits =
    Number.isSafeInteger(shared) && (shared as number) >= 1 && Object.keys(value as object).length === 1
  return fits ? undefined : '"dedicated", "none" or { shared: n } with an integer n of at least 1'
}

const JOURNAL_CHECKS = { maxEvents: integerFrom(1), maxAgeMs: integerFrom(1), maxBytes: integerFrom(1) }

/** Allows what asks for a journal. */
function journalOption(value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined
  const limits = checkOptions(value, JOURNAL_CHECKS)
  return limits.isOk() && isPlain(value as object)
    ? undefined
    : 'true, false, or { maxEvents, maxAgeMs, maxBytes } with integers of at least 1'
}

/** Whether an object is one of fields, and not a list, a map or a date without any. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Allows what names something in a file. */
export function nameText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
    ? undefined
    : 'a non-empty, well-formed string'
}

/** Checks an argument that names something, told as `what`. Errors: `ERR_OPTION`. */
export function checkName(what: string, name: unknown): PersistencyError | undefined {
  const expected = nameText(name)
  if (expected === undefined) return undefined
  return new PersistencyError('ERR_OPTION', `${what} must be ${expected}; got ${describeValue(name)}`)
}

/** Allows true and false. */
export function booleanValue(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false'
}

/** Allows time limits. */
export function positiveMs(value: unknown): string | undefined {
  return typeof value === 'number' && value > 0 ? undefined : 'a positive number of milliseconds, or Infinity'
}

/** Allows abort signals, also those of other realms. */
export function abortSignal(value: unknown): string | undefined {
  const is = typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
  return is ? undefined : 'an AbortSignal'
}
