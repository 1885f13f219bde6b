/** Entry of the storage thread: opens one file per context it is asked to serve. Loads no RxJS and no container. */
import { err, ok } from 'neverthrow'
import { serveBrokers } from '../../threads/serve.js'
import { PersistencyError } from '../errors.js'
import { STORAGE_CONTRACT } from '../messages.js'
import { removeFiles } from './remove-files.js'
import { openDatabase } from './schema.js'
import { StorageSession } from './session.js'
import { storageError } from './sqlite-errors.js'
import { SqliteStore } from './sqlite-store.js'
import type { StorageStart } from './start.js'

serveBrokers(STORAGE_CONTRACT, ({ hub, context, data, urgent }) => {
  const start = data as StorageStart
  const { jobId, file } = start
  const patient = { busyTimeoutMs: start.options.busyTimeoutMs, urgent }
  try {
    if (start.task === 'remove') {
      removeFiles(start, patient)
      return ok()
    }
    const store = new SqliteStore(openDatabase(start, patient), patient)
    const session = new StorageSession({ hub, context, jobId, file, store })
    return ok(session)
  } catch (thrown) {
    const error = thrown instanceof PersistencyError ? thrown : storageError('ERR_OPEN', file, thrown)
    return err(error.toJSON())
  }
})
