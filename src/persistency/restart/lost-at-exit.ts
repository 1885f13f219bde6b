/**
 * Owns what is said when the process ends while a storage is being started again: nobody can take the accepted writes
 * then, and nothing asynchronous happens any more. One handler serves all jobs, and is there only while it may be needed.
 */
import { writeSync } from 'node:fs'

/** A job that nobody serves at the moment. */
export interface Unserved {
  readonly jobId: string
  /** Accepted writes without an outcome. */
  readonly pending: number
}

const unserved = new Set<Unserved>()

/** Has the loss told if the process ends before the answer is called. */
export function tellIfLost(job: Unserved): () => void {
  if (unserved.size === 0) process.on('exit', tellAll)
  unserved.add(job)
  return () => {
    if (unserved.delete(job) && unserved.size === 0) process.off('exit', tellAll)
  }
}

function tellAll(): void {
  for (const { jobId, pending } of unserved) {
    if (pending === 0) continue
    const what = `the process ended while the storage of job "${jobId}" was being started again`
    writeSync(2, `persistency: ${what}; ${pending} accepted writes may be lost\n`)
  }
}
