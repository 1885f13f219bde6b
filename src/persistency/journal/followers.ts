/**
 * Owns reading for those who follow a journal: a commit would wake all of them at once, so those that are at the same place
 * wait together, and are answered by one read.
 *
 * Only who follows may share, that is, who has read up to the end of the journal before and goes on from there. A reading that
 * begins must see every write that was made before it, also by others, so it asks by itself and in line. A read that is under
 * way may have been sent before such a write. To a follower that does no harm: it goes by numbers, and who gets a page that
 * ends before what is committed does not wait, but asks again at once, and that read begins then. For the same reason nobody
 * joins a read that has been answered, and no page is kept for anybody.
 */
import type { Result } from 'neverthrow'
import { onAbort } from '../../runtime/cancel-signals.js'
import { runOutside } from '../../runtime/outside.js'
import type { CancelSignal } from '../../runtime/platform.js'
import type { Ask } from '../ask.js'
import type { PersistencyError } from '../errors.js'
import { EventPage } from './event-page.js'
import type { JournalReadQuery } from './message-payloads.js'
import { JournalRead } from './messages.js'
import type { Position, WaitEnd } from './position.js'
import { Tellings } from './tellings.js'

/** Where a follower is. */
export type Place = JournalReadQuery & { readonly from: number }

/** What a follower gets: the page that begins where it is, or why there is no point in waiting for one any more. */
export type Followed = { readonly page: Result<EventPage, PersistencyError> } | { readonly end: WaitEnd }

export interface FollowersParts {
  readonly ask: Ask
  readonly committed: Position
}

export class Followers {
  readonly #parts: FollowersParts
  readonly #tellings = new Tellings()
  readonly #together = new Map<string, Together>()

  constructor(parts: FollowersParts) {
    this.#parts = parts
  }

  /**
   * Waits for the event where a follower is, and reads from there: as long as it takes.
   *
   * @param isThere whether the follower knows that there is one
   */
  next(place: Place, isThere: boolean, signal: CancelSignal | undefined): Promise<Followed> {
    const { from, to, limit, maxBytes, stream = '' } = place
    const key = `${from} ${to} ${limit} ${maxBytes} ${stream}`
    let together = this.#together.get(key)
    if (together === undefined) {
      const over = (): void => void this.#together.delete(key)
      together = new Together(this.#parts, this.#tellings, place, over)
      this.#together.set(key, together)
      if (!isThere) runOutside(together.wait)
    }
    if (isThere) runOutside(together.read)
    return together.join(signal)
  }
}

interface Follower {
  readonly tell: (what: Followed) => void
  leave: () => void
}

/** Those at one place, until they are answered. What they wait for belongs to none of them in particular. */
class Together {
  readonly #parts: FollowersParts
  readonly #tellings: Tellings
  readonly #place: Place
  readonly #over: () => void
  readonly #followers = new Set<Follower>()
  /** Fires when all have left. */
  readonly #left = new AbortController()
  #reads = false
  #answered = false

  /** @param over is called once, when nobody may join any more */
  constructor(parts: FollowersParts, tellings: Tellings, place: Place, over: () => void) {
    this.#parts = parts
    this.#tellings = tellings
    this.#place = place
    this.#over = over
  }

  readonly wait = (): void => {
    void this.#parts.committed.reached(this.#place.from, this.#left.signal).then((end) => {
      if (end === undefined) this.read()
      else if (!this.#reads && end !== 'aborted') this.#answer({ end })
    })
  }

  /** Does not wait any longer. */
  readonly read = (): void => {
    if (this.#reads || this.#answered) return
    this.#reads = true
    const patience = { timeoutMs: Number.POSITIVE_INFINITY, signal: this.#left.signal }
    void this.#parts.ask(JournalRead, this.#place, patience).then((page) => {
      const shared = this.#followers.size > 1
      this.#answer({ page: page.map((read) => new EventPage(read, shared)) })
    })
  }

  join(signal: CancelSignal | undefined): Promise<Followed> {
    return new Promise((resolve) => {
      const follower: Follower = { tell: resolve, leave: () => {} }
      this.#followers.add(follower)
      follower.leave = onAbort(signal, () => {
        resolve({ end: 'aborted' })
        this.#followers.delete(follower)
        if (this.#followers.size > 0 || this.#answered) return
        this.#end()
        this.#left.abort()
      })
    })
  }

  /** Who leaves before its turn comes is told nothing any more. */
  #answer(what: Followed): void {
    this.#end()
    for (const follower of this.#followers) {
      this.#tellings.add(() => {
        follower.leave()
        follower.tell(what)
      })
    }
    this.#followers.clear()
  }

  /** Nobody joins any more. */
  #end(): void {
    if (this.#answered) return
    this.#answered = true
    this.#over()
  }
}
