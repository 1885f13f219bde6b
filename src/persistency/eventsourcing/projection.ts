/** Owns the handle of a projection that is kept here: reading its rows, and making them anew. */
import { err, errAsync, ok, Result, ResultAsync } from 'neverthrow'
import { messageOf } from '../../runtime/message-of.js'
import type { CancelSignal } from '../../runtime/platform.js'
import type { Ask } from '../ask.js'
import { checkReadOptions } from '../checks/call-options.js'
import { abortSignal, checkOptions, functionValue } from '../checks/options.js'
import { checkScan } from '../checks/ranges.js'
import { checkKey, ownKey } from '../checks/rows.js'
import { decodeValue } from '../codecs/decode-value.js'
import { PersistencyError } from '../errors.js'
import type { KeyRange } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import { KvGet, KvScan } from '../messages.js'
import { Patience } from '../patience.js'
import type { ReadOptions, ScanOptions } from '../types.js'
import type { DomainEvent } from './domain-events.js'
import { ONLY_ROW, type ProjectionDefinition } from './projection-definition.js'
import type { Subscription } from './subscription.js'

/** How far a rebuilding has come: the last event that was dealt with, of how many. */
export interface RebuildProgress {
  readonly done: number
  readonly total: number
}

/** How to rebuild. */
export interface RebuildOptions {
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined
  /** Stops waiting when it fires; the rebuilding goes on. With one that has fired already nothing is removed. */
  readonly signal?: CancelSignal | undefined
}

/** A row of a projection. */
export interface ProjectedRow<State> {
  readonly key: Key
  readonly state: State
}

const REBUILD_CHECKS = { signal: abortSignal, onProgress: functionValue }

/**
 * A read model that is kept up to date here. Rows and checkpoint change in one transaction, so every event is in them
 * exactly once. Reading asks for the rows as they are: {@link Projection.caughtUp} first, to read your own writes.
 */
export class Projection<State> {
  readonly name: string
  readonly version: number
  /** Where the rows are; only the projection writes there. */
  readonly category: string
  /** What keeps it up to date; parked events are found there. */
  readonly subscription: Subscription
  /** Whether it is being made anew, because the file held another version, or rows of one that was forgotten. */
  readonly reset: boolean
  readonly #ask: Ask
  readonly #definition: Pick<ProjectionDefinition<DomainEvent, State>, 'codec' | 'initial'>

  /** Made by `Job.projection`. @internal */
  constructor(
    ask: Ask,
    definition: Pick<
      ProjectionDefinition<DomainEvent, State>,
      'name' | 'version' | 'category' | 'codec' | 'initial'
    >,
    subscription: Subscription,
    reset: boolean
  ) {
    this.name = definition.name
    this.version = definition.version
    this.category = definition.category
    this.subscription = subscription
    this.reset = reset
    this.#ask = ask
    this.#definition = definition
  }

  /** Settles when it has ended; see `Subscription.ended`. */
  get ended(): Promise<Result<void, PersistencyError>> {
    return this.subscription.ended
  }

  /** The state of a row; `undefined` when there is none. Errors: `ERR_KEY`, `ERR_VALUE`, those of reading. */
  get(given: Key, options?: ReadOptions): ResultAsync<State | undefined, PersistencyError> {
    const key = ownKey(given)
    const wrong = checkKey(key)
    if (wrong !== undefined) return errAsync(wrong)
    return checkReadOptions(options)
      .asyncAndThen((read) => this.#ask(KvGet, { category: this.category, key }, read))
      .andThen((payload) => (payload === undefined ? ok(undefined) : this.#decoded(payload)))
  }

  /** The state of a projection without keys; the initial one before its first event. Errors: as `get`. */
  state(options?: ReadOptions): ResultAsync<State, PersistencyError> {
    return this.get(ONLY_ROW, options).andThen((state) => (state === undefined ? this.#initial() : ok(state)))
  }

  /** All rows, or those of a range, in key order. Errors: as `Job.scan`, `ERR_VALUE`. */
  scan(): ResultAsync<ProjectedRow<State>[], PersistencyError>
  scan(
    range: KeyRange | Key,
    options?: Omit<ScanOptions, 'keysOnly' | 'copy'> & ReadOptions
  ): ResultAsync<ProjectedRow<State>[], PersistencyError>
  scan(
    ...args: [range?: KeyRange | Key, options?: Omit<ScanOptions, 'keysOnly' | 'copy'> & ReadOptions]
  ): ResultAsync<ProjectedRow<State>[], PersistencyError> {
    // A range that is `undefined` is refused: that of `rangeAfter` is when no row is left.
    const [range, options] = args.length === 0 ? [ONLY_ROW] : args
    return checkScan(this.category, range, options)
      .asyncAndThen(({ query, read }) => this.#ask(KvScan, { ...query, keysOnly: false }, read))
      .andThen(({ rows }) =>
        Result.combine(
          rows.map(({ key, payload }) => this.#decoded(payload).map((state) => ({ key, state })))
        )
      )
  }

  /** Waits until everything that is in the journal now is in the rows. As `Subscription.caughtUp`. */
  caughtUp(options?: { readonly signal?: CancelSignal | undefined }): ResultAsync<number, PersistencyError> {
    return this.subscription.caughtUp(options)
  }

  /**
   * Removes the rows and makes them anew from the first event, while it goes on. Ok when it is where the journal was
   * when this was asked for; until then rows are missing, or are as of an earlier event.
   * Errors: `ERR_EVENTS_GONE`, with nothing removed, when the first events have fallen off; `ERR_OPTION`, those of
   * `caughtUp`.
   */
  rebuild(options?: RebuildOptions): ResultAsync<void, PersistencyError> {
    return checkOptions<RebuildOptions>(options, REBUILD_CHECKS).asyncAndThen(
      (checked) => new ResultAsync(this.#rebuild(checked))
    )
  }

  /** Keeps it up to date no longer. As `Subscription.stop`. */
  stop(): Promise<void> {
    return this.subscription.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #rebuild({ onProgress = () => {}, signal }: RebuildOptions): Promise<Result<void, PersistencyError>> {
    const end = await this.subscription.journalEnd(signal)
    if (end.isErr()) return err(end.error)
    const { end: aborted } = new Patience(`rebuilding projection "${this.name}"`, { signal })
    if (aborted !== undefined) return err(aborted)
    const total = end.value
    const reset = await this.subscription.reset(clearing(this.category))
    if (reset.isErr()) return err(reset.error)
    for (let done = 0; ; ) {
      try {
        onProgress({ done: Math.min(done, total), total })
      } catch (cause) {
        return err(new PersistencyError('ERR_OPTION', 'onProgress threw', { cause }))
      }
      if (done >= total) return ok(undefined)
      const moved = await this.subscription.reached(done + 1, signal)
      if (moved.isErr()) return err(moved.error)
      done = Math.max(done + 1, this.subscription.seq)
    }
  }

  #initial(): Result<State, PersistencyError> {
    try {
      return ok(this.#definition.initial())
    } catch (cause) {
      const message = `the initial state of projection "${this.name}" cannot be made: ${messageOf(cause)}`
      return err(new PersistencyError('ERR_VALUE', message, { cause }))
    }
  }

  #decoded(payload: Uint8Array): Result<State, PersistencyError> {
    const told = (why: string): string =>
      `a row of projection "${this.name}" cannot be read: ${why}; raise its version to make it anew`
    return decodeValue(payload, this.#definition.codec, told)
  }
}

/** What removes all rows of a category. */
export function clearing(category: string) {
  return [{ kind: 'deletePrefix', category, prefix: ONLY_ROW }] as const
}
