/** Owns having a file verified that is no open job, such as a backup, on a thread of its own. The side of who asks. */
import { open } from 'node:fs/promises'
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { BrokerContext } from '../../brokers/context.js'
import { BrokerHub } from '../../brokers/hub.js'
import { checkPath } from '../absolute-path.js'
import { checkOptions, VERIFY_CHECKS } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import { MaintenanceProgress } from '../maintenance/messages.js'
import type { VerifyOptions, VerifyReport } from '../maintenance/types.js'
import { DEFAULT_JOB_OPTIONS } from '../options.js'
import { Patience } from '../patience.js'
import { aside } from './aside.js'
import { refuseOpenDatabase } from './files/partial-file.js'
import type { Operation } from './operation.js'
import { storageError } from './sqlite-errors.js'

type Verified = Promise<Result<VerifyReport, PersistencyError>>

/** What the header of a database begins with, and where it says how it is written: 2 is with a write-ahead log. */
const MAGIC = 'SQLite format 3\0'
const WRITE_VERSION = 18
const WITH_LOG = 2

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
    await refuseUnlessAlone(file)
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

/** A database with a write-ahead log cannot be read without making one beside it. Throws. */
async function refuseUnlessAlone(file: string): Promise<void> {
  refuseOpenDatabase(file, 'verify the job that has it open, or close that')
  const handle = await open(file, 'r')
  const { buffer } = await handle.read(Buffer.alloc(32), 0, 32, 0).finally(() => handle.close())
  if (!buffer.toString('latin1').startsWith(MAGIC) || buffer[WRITE_VERSION] !== WITH_LOG) return
  const message = `${file}: is the file of a job, not a backup: it cannot be read without a log beside it; open the job and verify it, or restore it, which verifies a copy`
  throw new PersistencyError('ERR_OPEN', message)
}
