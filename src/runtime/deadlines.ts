/**
 * Owns the time limits of calls in flight.
 *
 * Calls with the same limit expire in the order they were made, so each limit needs one linked list and one timer,
 * whatever the number of calls: adding and removing a call costs a few pointer writes. A list belongs to one clock: a test
 * that puts fake timers in place, or the real ones back, begins new lists.
 */
import { Clock, type Timer } from './clock.js'
import { runOutside } from './outside.js'

/** A call with a time limit; a node of its list. */
export interface DeadlineEntry {
  /** Called at most once, when the limit has passed and the entry was not removed. */
  expire(): void
  deadline: number
  deadlineList: DeadlineList | undefined
  next: DeadlineEntry | undefined
  previous: DeadlineEntry | undefined
}

/** The longest delay that a timer of the platform can take; a longer limit counts as none. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** How long calls that expire together keep the event loop, in milliseconds. */
const SLICE_MS = 5

/** How many empty lists are kept with their timers: programs use few different limits, but may compute them. */
const KEPT_LISTS = 32

/** All limits of one hub. */
export class Deadlines {
  readonly #lists = new Map<number, DeadlineList>()

  /** Starts the clock of `entry`. */
  add(entry: DeadlineEntry, timeoutMs: number): void {
    if (timeoutMs > LONGEST_TIMER_MS) return
    const clock = Clock.current
    const list = this.#lists.get(timeoutMs)
    if (list?.clock === clock) list.add(entry)
    else this.#newList(timeoutMs, clock).add(entry)
  }

  /** A list of another clock goes on with the calls that it has. */
  #newList(timeoutMs: number, clock: Clock): DeadlineList {
    const present = (): boolean => this.#lists.get(timeoutMs) === list
    const list: DeadlineList = new DeadlineList(timeoutMs, clock, {
      keep: () => present() && this.#lists.size <= KEPT_LISTS,
      forget: () => {
        if (present()) this.#lists.delete(timeoutMs)
      }
    })
    this.#lists.set(timeoutMs, list)
    return list
  }

  /** Stops the clock of `entry`; no effect when it has none. */
  remove(entry: DeadlineEntry): void {
    entry.deadlineList?.remove(entry)
  }
}

/** Decides about a list that has become empty: whether it is kept, and otherwise has it forgotten. */
interface Emptied {
  keep(): boolean
  forget(): void
}

class DeadlineList {
  readonly clock: Clock
  readonly #timeoutMs: number
  readonly #emptied: Emptied
  #head: DeadlineEntry | undefined
  #tail: DeadlineEntry | undefined
  #timer: Timer | undefined
  #firing = false

  constructor(timeoutMs: number, clock: Clock, emptied: Emptied) {
    this.clock = clock
    this.#timeoutMs = timeoutMs
    this.#emptied = emptied
  }

  add(entry: DeadlineEntry): void {
    entry.deadline = this.clock.now() + this.#timeoutMs
    entry.deadlineList = this
    entry.previous = this.#tail
    entry.next = undefined
    if (this.#tail === undefined) this.#head = entry
    else this.#tail.next = entry
    this.#tail = entry
    if (this.#firing) return
    if (this.#timer === undefined) this.#arm(this.#timeoutMs)
    else if (this.#head === entry) this.#timer.ref?.()
  }

  remove(entry: DeadlineEntry): void {
    if (entry.previous === undefined) this.#head = entry.next
    else entry.previous.next = entry.next
    if (entry.next === undefined) this.#tail = entry.previous
    else entry.next.previous = entry.previous
    entry.deadlineList = entry.next = entry.previous = undefined
    if (this.#head === undefined) this.#rest()
  }

  /** The timer stays armed for the next call, but an idle one keeps no process alive. */
  #rest(): void {
    if (this.#timer === undefined || this.#emptied.keep()) this.#timer?.unref?.()
    else {
      this.clock.stop(this.#timer)
      this.#timer = undefined
      this.#emptied.forget()
    }
  }

  #arm(delayMs: number): void {
    const fire = (): void => this.#fire()
    this.#timer = runOutside(() => this.clock.start(fire, delayMs))
  }

  #fire(): void {
    this.#timer = undefined
    const now = this.clock.now()
    // `expire` may add calls; the timer is set once, for the first that is left.
    this.#firing = true
    try {
      for (let due = this.#head; due !== undefined && due.deadline <= now; due = this.#head) {
        this.remove(due)
        due.expire()
        // Those that are left go on with the next timer.
        if (this.clock.now() - now >= SLICE_MS) break
      }
    } finally {
      this.#firing = false
    }
    if (this.#head === undefined) this.#emptied.forget()
    else this.#arm(this.#head.deadline - now)
  }
}
