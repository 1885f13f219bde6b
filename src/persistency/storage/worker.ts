/** Entry of the storage thread: opens one file per context it is asked to serve. Loads no RxJS and no container. */
import { setTimeout as delay } from 'node:timers/promises'
import { err, ok, type Result } from 'neverthrow'
import { type ServeCall, type Service, serveBrokers } from '../../threads/serve.js'
import { PersistencyError } from '../errors.js'
import { STORAGE_CONTRACT } from '../messages.js'
import { OpenStores, StoreHolder } from './open-stores.js'
import { Pace, RETRY_MS } from './pace.js'
import { removeFiles } from './remove-files.js'
import { StorageSession } from './session.js'
import { storageError } from './sqlite-errors.js'
import type { StorageStart } from './start.js'

const stores = new OpenStores()

serveBrokers(STORAGE_CONTRACT, async (call): Promise<Result<Service | void, unknown>> => {
  const start = call.data as StorageStart
  try {
    return ok(start.task === 'remove' ? remove(start, call) : await serve(start, call))
  } catch (thrown) {
    const error = thrown instanceof PersistencyError ? thrown : storageError('ERR_OPEN', start.file, thrown)
    return err(error.toJSON())
  }
})

function remove(start: StorageStart, { urgent }: ServeCall): void {
  removeFiles(start, { busyTimeoutMs: start.options.busyTimeoutMs, urgent })
}

async function serve(start: StorageStart, call: ServeCall): Promise<Service> {
  const { jobId, file, options } = start
  const { hub, context, urgent, share } = call
  const patient = { busyTimeoutMs: options.busyTimeoutMs, urgent }
  const pace = new Pace(share, patient)
  const holder = new StoreHolder(stores, start, patient, share !== undefined)
  await open(holder, pace)
  return new StorageSession({ hub, context, jobId, file, holder, pace })
}

async function open(holder: StoreHolder, pace: Pace): Promise<void> {
  for (;;) {
    try {
      holder.open()
      pace.unlocked()
      return
    } catch (thrown) {
      if (!pace.mayRetry(thrown)) throw thrown
    }
    await delay(RETRY_MS)
  }
}
