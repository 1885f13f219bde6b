/** Owns what a thread is asked for the storage of a job: to serve it, to remove its files, to restore them. */
import { setImmediate as nextRound } from 'node:timers/promises'
import { err, ok, type Result } from 'neverthrow'
import type { ServeCall, Service, Setup } from '../../threads/worker/setup.js'
import { PersistencyError } from '../errors.js'
import { type Patient, retried } from './busy.js'
import { IN_USE_PATIENCE_MS, removeFiles } from './files/remove-files.js'
import { restoreFile } from './files/restore.js'
import { MEMORY } from './files/root-dir.js'
import { LogSync } from './log-sync.js'
import { Maintenance } from './maintenance.js'
import { OpenStores } from './open-stores.js'
import { Pace } from './pace.js'
import { tellIfRefused } from './refused-at-exit.js'
import { RestartLog } from './restart-log.js'
import { StorageSession } from './session.js'
import { storageError } from './sqlite-errors.js'
import type { SqliteStore } from './sqlite-store.js'
import type { ChangeStart, ServeStart, StorageStart } from './start.js'
import { StoreHolder } from './store-holder.js'

export interface ServeStorageOptions {
  /** Whether no further thread may be started, for what takes long. */
  readonly alone: boolean
}

/** Sets up the storage of jobs on one thread. Each job has a file, and they know of each other's. */
export function serveStorage(options: ServeStorageOptions): Setup {
  const stores = new OpenStores()
  return async (call): Promise<Result<Service | void, unknown>> => {
    const start = call.data as StorageStart
    try {
      return ok(
        start.task === 'serve' ? await serve(start, call, stores, options) : await change(start, call)
      )
    } catch (thrown) {
      const error = thrown instanceof PersistencyError ? thrown : storageError('ERR_OPEN', start.file, thrown)
      return err(error.toJSON())
    }
  }
}

async function serve(
  start: ServeStart,
  call: ServeCall,
  stores: OpenStores,
  { alone }: ServeStorageOptions
): Promise<Service> {
  const { jobId, file, options } = start
  const { hub, context, exiting, share } = call
  const { busyTimeoutMs } = options
  // A dedicated thread that is busy can only be told to make haste; with others on it, it hears that it was given up.
  const urgent = (): boolean => call.urgent() || call.givenUp()
  const patient = { busyTimeoutMs, urgent }
  const pace = new Pace(share, patient)
  const holder = new StoreHolder(stores, start, patient, share !== undefined)
  try {
    const logOf = ({ connection }: SqliteStore): RestartLog | undefined =>
      start.restart && new RestartLog(start.restart, connection)
    const restartLog = await opened(pace, async () =>
      pace.shared ? await holder.openInPieces(nextRound, logOf) : logOf(holder.open())
    )
    const logSync = options.durability === 'normal' && file !== MEMORY ? new LogSync(file) : undefined
    const session = new StorageSession({ hub, context, jobId, file, holder, pace, restartLog, logSync })
    const maintenance = new Maintenance({ hub, context, jobId, file, busyTimeoutMs, holder, session, alone })
    const tellRefused = tellIfRefused({ hub, context, jobId }, exiting)
    const closeSession = (): void => {
      try {
        session.close()
      } finally {
        tellRefused()
      }
    }
    // Otherwise a thread is told to make haste only once its jobs are closed, or with the whole process.
    const cameTooLate = (): boolean => call.givenUp() || (call.urgent() && !exiting())
    return {
      async close() {
        await maintenance.close()
        await logSync?.idle()
        closeSession()
        if (cameTooLate()) holder.giveUp()
      },
      closeNow: closeSession
    }
  } catch (thrown) {
    holder.giveUp()
    throw thrown
  }
}

function opened<T>(pace: Pace, open: () => Promise<T>): Promise<T> {
  const attempt = async (): Promise<T> => {
    const done = await open()
    pace.unlocked()
    return done
  }
  return retried(attempt, (thrown) => pace.mayRetry(thrown))
}

/** What is done to the files of a job that is not open. Where others share the thread, it is not blocked for a lock. */
async function change(start: ChangeStart, { urgent, givenUp, share }: ServeCall): Promise<void> {
  if (share === undefined) {
    await changeFiles(start, { busyTimeoutMs: IN_USE_PATIENCE_MS, urgent })
    return
  }
  const deadline = performance.now() + IN_USE_PATIENCE_MS
  const mayRetry = (thrown: unknown): boolean => {
    const inUse = thrown instanceof PersistencyError && thrown.code === 'ERR_JOB_IN_USE'
    return inUse && performance.now() < deadline && !urgent() && !givenUp()
  }
  await retried(() => changeFiles(start, { busyTimeoutMs: 0, urgent }), mayRetry)
}

async function changeFiles(start: ChangeStart, patient: Patient): Promise<void> {
  if (start.task === 'remove') await removeFiles(start, patient)
  else await restoreFile(start, patient)
}
