/** Entry of the storage thread: opens one file per context it is asked to serve. Loads no RxJS and no container. */
import { setTimeout as delay } from 'node:timers/promises'
import { err, ok, type Result } from 'neverthrow'
import { serveBrokers } from '../../threads/serve.js'
import type { ServeCall, Service } from '../../threads/setup.js'
import { PersistencyError } from '../errors.js'
import { STORAGE_CONTRACT } from '../messages.js'
import { LogSync } from './log-sync.js'
import { Maintenance } from './maintenance.js'
import { OpenStores, StoreHolder } from './open-stores.js'
import { Pace, RETRY_MS } from './pace.js'
import { ProgressLog } from './progress-log.js'
import { removeFiles } from './remove-files.js'
import { restoreFile } from './restore.js'
import { MEMORY } from './root-dir.js'
import { StorageSession } from './session.js'
import { storageError } from './sqlite-errors.js'
import type { StorageStart } from './start.js'

const stores = new OpenStores()

serveBrokers(STORAGE_CONTRACT, async (call): Promise<Result<Service | void, unknown>> => {
  const start = call.data as StorageStart
  try {
    return ok(start.task === 'serve' ? await serve(start, call) : change(start, call))
  } catch (thrown) {
    const error = thrown instanceof PersistencyError ? thrown : storageError('ERR_OPEN', start.file, thrown)
    return err(error.toJSON())
  }
})

/** What is done to the files of a job that is not open. */
function change(start: StorageStart, { urgent }: ServeCall): void {
  const patient = { busyTimeoutMs: start.options.busyTimeoutMs, urgent }
  if (start.restore === undefined) removeFiles(start, patient)
  else restoreFile(start, start.restore, patient)
}

async function serve(start: StorageStart, call: ServeCall): Promise<Service> {
  const { jobId, file, options } = start
  const { hub, context, urgent, share } = call
  const patient = { busyTimeoutMs: options.busyTimeoutMs, urgent }
  const pace = new Pace(share, patient)
  const holder = new StoreHolder(stores, start, patient, share !== undefined)
  const progress = await opened(pace, () => {
    const { connection } = holder.open()
    return start.restart && new ProgressLog(start.restart, connection)
  })
  const logSync = options.durability === 'normal' && file !== MEMORY ? new LogSync(file) : undefined
  const session = new StorageSession({ hub, context, jobId, file, holder, pace, progress, logSync })
  const { busyTimeoutMs } = options
  const maintenance = new Maintenance({ hub, context, jobId, file, busyTimeoutMs, holder, session })
  return {
    async close() {
      await maintenance.close()
      await logSync?.idle()
      session.close()
    }
  }
}

async function opened<T>(pace: Pace, open: () => T): Promise<T> {
  for (;;) {
    try {
      const done = open()
      pace.unlocked()
      return done
    } catch (thrown) {
      if (!pace.mayRetry(thrown)) throw thrown
    }
    await delay(RETRY_MS)
  }
}
