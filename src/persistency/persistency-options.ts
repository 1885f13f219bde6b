/** Owns the options of a coordinator, those of its jobs as defaults among them: names, defaults and limits. */
import { err, type Result } from 'neverthrow'
import { isHub } from '../brokers/check-place.js'
import { BrokerHub } from '../brokers/hub.js'
import { isUrl } from '../runtime/is-url.js'
import { booleanValue, type Check, checkOptions, integerFrom } from './checks/options.js'
import { type EndSignal, signalsOption } from './close-on-signal.js'
import { describeValue } from './describe.js'
import { PersistencyError } from './errors.js'
import {
  completeJobOptions,
  DEFAULT_JOB_OPTIONS,
  JOB_CHECKS,
  type JobOptions,
  NESTED_JOB_OPTIONS,
  type ResolvedJobOptions,
  SHARED_JOB_OPTIONS
} from './options.js'
import type { RootDir } from './storage/files/root-dir.js'

/** What `Persistency.open` takes besides a directory. The job options are the defaults of every job. */
export interface PersistencyOptions extends JobOptions {
  /** Directory of the job files, as a path or a `file:` URL, or `:memory:` for jobs that live as long as they are open. */
  readonly rootDir: RootDir
  /** Where the events and requests of the jobs travel. Default: the hub of this thread. */
  readonly hub?: BrokerHub | undefined
  /**
   * `dedicated` (default) gives each job a thread of its own. `{ shared: n }` spreads the jobs over at most n threads,
   * where they work by slices of 2 ms: for many tenants that are idle most of the time. A thread is started when it is
   * needed and ends with its last job; one that dies fails all jobs it serves, except for those with `restart`. `none` has
   * the storage work on the thread that calls it, which does nothing else meanwhile: for tests, scripts and small programs.
   */
  readonly threads?: ThreadsOption | undefined
  /**
   * How many databases may be open at once; each takes three file descriptors. Further jobs make one close that was
   * opened with `whenIdle: 'close'`, the least recently used one of its thread; where there is none, `openJob` is
   * `ERR_TOO_MANY_JOBS`. Shared threads have an equal share of it each, and are at most so many. Default no limit.
   */
  readonly maxOpenJobs?: number | undefined
  /**
   * Keeps every other owner out of the directory, in this process or another, until `close()` or the end of the
   * process. Makes the directory at once, and a file in it. Default `false`.
   */
  readonly exclusive?: boolean | undefined
  /**
   * Closes on these signals, then ends the process as the signal would have; `true` means SIGTERM and SIGINT. When
   * somebody else listens to the signal as well, ending the process is left to them. Main thread only. The storage closes
   * at once: a server that has requests to finish calls `close` in a handler of its own instead. Default `false`.
   */
  readonly closeOnSignal?: boolean | readonly EndSignal[] | undefined
}

/** Which threads the storage of the jobs runs on; `none` is that of whoever opens them. */
export type ThreadsOption = 'dedicated' | 'none' | { readonly shared: number }

/** Options of a coordinator with every default filled in. Whether the directory is one is left to the engine. */
export interface ResolvedPersistencyOptions {
  readonly rootDir: RootDir
  readonly hub: BrokerHub
  readonly threads: ThreadsOption
  readonly maxOpenJobs: number
  readonly exclusive: boolean
  readonly closeOnSignal: boolean | readonly EndSignal[]
  readonly jobOptions: ResolvedJobOptions
}

const CHECKS: Readonly<Record<keyof PersistencyOptions, Check>> = {
  rootDir: () => undefined, // the engine knows what is one
  hub: brokerHub,
  threads: threadsOption,
  maxOpenJobs: integerFrom(1),
  exclusive: booleanValue,
  closeOnSignal: signalsOption,
  ...JOB_CHECKS
}

const NESTED = ['threads', 'closeOnSignal', ...NESTED_JOB_OPTIONS]

/** Checks options and fills in what is missing. Errors: `ERR_OPTION`; `ERR_ROOT_DIR` for no options at all. */
export function resolvePersistencyOptions(
  rootDir: RootDir | PersistencyOptions
): Result<ResolvedPersistencyOptions, PersistencyError> {
  const options = isRootDir(rootDir) ? { rootDir } : rootDir
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const message = `rootDir must be a string, a file: URL or an object of options; got ${describeValue(options)}`
    return err(new PersistencyError('ERR_ROOT_DIR', message))
  }
  return checkOptions<PersistencyOptions>(options, CHECKS, NESTED).map(
    ({ rootDir: directory, hub, threads, maxOpenJobs, exclusive, closeOnSignal, ...jobOptions }) => ({
      rootDir: directory,
      hub: hub ?? BrokerHub.default,
      threads: threads ?? 'dedicated',
      maxOpenJobs: maxOpenJobs ?? Number.POSITIVE_INFINITY,
      exclusive: exclusive ?? false,
      closeOnSignal: closeOnSignal ?? false,
      jobOptions: completeJobOptions(
        jobOptions,
        typeof threads === 'object' ? SHARED_JOB_OPTIONS : DEFAULT_JOB_OPTIONS
      )
    })
  )
}

/** Whether it is a directory alone, without options. */
export function isRootDir(value: RootDir | PersistencyOptions): value is RootDir {
  return typeof value === 'string' || isUrl(value)
}

/** Allows what names the threads of jobs. */
function threadsOption(value: unknown): string | undefined {
  if (value === 'dedicated' || value === 'none') return undefined
  const shared =
    typeof value === 'object' && value !== null ? (value as { shared?: unknown }).shared : undefined
  const fits =
    Number.isSafeInteger(shared) && (shared as number) >= 1 && Object.keys(value as object).length === 1
  return fits ? undefined : '"dedicated", "none" or { shared: n } with an integer n of at least 1'
}

function brokerHub(value: unknown): string | undefined {
  return isHub(value) ? undefined : 'a BrokerHub'
}
