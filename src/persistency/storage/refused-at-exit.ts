/**
 * Owns what is said of writes that a storage refuses while the process ends, for a lock or a full disk for instance. The
 * thread of the job hears of no `PersistFailed` any more, and nothing asynchronous happens on it.
 */
import { writeSync } from 'node:fs'
import type { PersistencyError } from '../errors.js'
import type { PersistFailedPayload } from '../message-payloads.js'
import { PersistFailed } from '../messages.js'
import type { Audience } from './outcomes.js'

/** Counts such writes until the answer is called, which says how many there were. */
export function tellIfRefused({ hub, context, jobId }: Audience, exiting: () => boolean): () => void {
  let count = 0
  let first: PersistencyError | undefined
  const failed = ({ error }: PersistFailedPayload): void => {
    if (!exiting()) return
    count++
    first ??= error
  }
  const listener = hub.listen(context, PersistFailed, failed, { internal: true })
  return () => {
    void listener.drop()
    if (first === undefined) return
    const what = `${count} accepted writes of job "${jobId}" could not be stored when the process ended`
    writeSync(2, `persistency: ${what}: ${first.message}\n`)
  }
}
