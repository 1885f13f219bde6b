/**
 * Owns tidying up the write-ahead log when nothing else is to be done. SQLite does it only as part of a commit that
 * finds the log long; without this, whatever the last commits left would stay there until the file is closed.
 */

/** How long no write may have come, in milliseconds. */
const IDLE_MS = 1000

export class IdleCheckpoint {
  readonly #checkpoint: () => boolean
  readonly #inTurn: (work: () => void) => void
  #timer: NodeJS.Timeout | undefined
  #lastWrite = 0

  /**
   * @param checkpoint answers `false` when somebody else keeps it from emptying the log
   * @param inTurn does work when it may take time; a thousand jobs may fall idle at once
   */
  constructor(checkpoint: () => boolean, inTurn: (work: () => void) => void) {
    this.#checkpoint = checkpoint
    this.#inTurn = inTurn
  }

  /** Something was committed, or was there before. */
  wrote(): void {
    this.#lastWrite = performance.now()
    this.#timer ??= this.#wait(IDLE_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** The timer is set once per idle period rather than with every commit, and holds no thread. */
  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const leftMs = this.#lastWrite + IDLE_MS - performance.now()
      this.#timer = leftMs > 0 ? this.#wait(leftMs) : undefined
      if (leftMs <= 0) this.#inTurn(() => this.#run())
    }, ms).unref()
  }

  #run(): void {
    try {
      if (!this.#checkpoint()) this.wrote()
    } catch {
      // A full disk, for instance; the next commit or the closing tries again, and tells.
    }
  }
}
