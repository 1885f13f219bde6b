/** Owns telling a thread that was terminated from one that ended by itself: the exit code of both may be 1. */
import { Worker } from 'node:worker_threads'

export class TerminableWorker extends Worker {
  #terminated = false

  /** Whether it was told to end, by whomever: `process.on('worker')` hands it out. */
  get terminated(): boolean {
    return this.#terminated
  }

  override terminate(): Promise<number> {
    this.#terminated = true
    return super.terminate()
  }
}
