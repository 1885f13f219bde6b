/** Owns having a file verified that is no open job, such as a backup, on a thread of its own. The side of who asks. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { BrokerContext } from '../../brokers/context.js'
import { BrokerHub } from '../../brokers/hub.js'
import { checkPath } from '../absolute-path.js'
import { checkOptions, VERIFY_CHECKS } from '../checks/options.js'
import type { PersistencyError } from '../errors.js'
import { MaintenanceProgress } from '../maintenance/messages.js'
import type { VerifyOptions, VerifyReport } from '../maintenance/types.js'
import { DEFAULT_JOB_OPTIONS } from '../options.js'
import { Patience } from '../patience.js'
import { aside } from './aside.js'
import { checkReadable } from './files/partial-file.js'
import type { Operation } from './operation.js'
import { storageError } from './sqlite-errors.js'

type Verified = Promise<Result<VerifyReport, PersistencyError>>

/** As `Persistency.verifyFile` says. */
export function verifyFile(path: unknown, options: unknown): ResultAsync<VerifyReport, PersistencyError> {
  const checked = checkPath(path).andThen((file) =>
    checkOptions<VerifyOptions>(options, VERIFY_CHECKS).map((how) => ({ file, how }))
  )
  if (checked.isErr()) return errAsync(checked.error)
  const { file, how } = checked.value
  const patience = new Patience(`the check of ${file}`, how)
  if (patience.end !== undefined) return errAsync(patience.end)
  return new ResultAsync(patience.bound(verified(file, how, patience)))
}

async function verified(
  file: string,
  { quick = false, onProgress }: VerifyOptions,
  patience: Patience
): Verified {
  const { busyTimeoutMs } = DEFAULT_JOB_OPTIONS
  try {
    checkReadable(file, 'verify the job that has it open, or close that')
    const operation = operationOf(patience, onProgress)
    return ok((await aside({ kind: 'verifyFile', file, quick, busyTimeoutMs }, operation)) as VerifyReport)
  } catch (thrown) {
    return err(storageError('ERR_OPEN', file, thrown))
  }
}

/** What `onProgress` throws is the failure of a listener, as it is for a job. */
function operationOf(patience: Patience, onProgress: VerifyOptions['onProgress']): Operation {
  const hub = new BrokerHub()
  const context = BrokerContext.create('verifyFile')
  if (onProgress !== undefined)
    hub.listen(context, MaintenanceProgress, ({ phase, done }) => onProgress({ phase, done }))
  return {
    get ended() {
      return patience.end
    },
    progress: (progress) => hub.emit(context, MaintenanceProgress, { jobId: '', operation: 0, ...progress })
  }
}
