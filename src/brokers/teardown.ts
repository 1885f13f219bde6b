/** Owns stopping an application: one multi-request that every part with a lifetime provides. */
import { err, ok, type Result } from 'neverthrow'
import { isResult } from '../runtime/is-result.js'
import { messageOf } from '../runtime/message-of.js'
import { defineMultiRequest, type MultiRequestDefinition } from './definitions.js'
import { BrokerError } from './errors.js'
import type { MultiRequestBroker } from './multi-request-broker.js'
import type { ProviderHandle } from './provider.js'

/** A part that has stopped. */
export interface TornDown {
  readonly part: string
  /** How long it took, in milliseconds. */
  readonly ms: number
}

/** A part that could not be stopped. */
export interface TeardownFailure {
  readonly part: string
  readonly message: string
}

/** How long a part may take, in milliseconds. */
const PART_TIMEOUT_MS = 30_000

/** Asks every part of a context to stop. Its limit is longer than that of a part, so that the part can report its failure. */
export const Teardown: MultiRequestDefinition<void, TornDown, TeardownFailure> = defineMultiRequest<
  void,
  TornDown,
  TeardownFailure
>('brokers.teardown', { timeoutMs: PART_TIMEOUT_MS + 5000 })

/**
 * Has a part provide {@link Teardown} in the broker's context. The part has failed when `close` returns an `Err`, throws,
 * rejects, or takes over 30 seconds.
 */
export function joinTeardown(
  broker: MultiRequestBroker,
  part: string,
  close: () => unknown
): Result<ProviderHandle, BrokerError> {
  return broker.provide(Teardown, async () => {
    const started = performance.now()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const message = `has not stopped within ${PART_TIMEOUT_MS} ms`
      timer = setTimeout(() => reject(new Error(message)), PART_TIMEOUT_MS)
    })
    try {
      const closed = await Promise.race([close(), late])
      if (isResult(closed) && closed.isErr()) return err({ part, message: messageOf(closed.error) })
      return ok({ part, ms: performance.now() - started })
    } catch (thrown) {
      return err({ part, message: messageOf(thrown) })
    } finally {
      clearTimeout(timer)
    }
  })
}

/** Asks every part to stop, and returns which ones did and which failed. Never rejects. */
export async function tearDown(
  broker: MultiRequestBroker
): Promise<{ readonly done: TornDown[]; readonly failed: TeardownFailure[] }> {
  const outcomes = await broker.requestSettled(Teardown)
  const done: TornDown[] = []
  const failed: TeardownFailure[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') done.push(outcome.value)
    else if (BrokerError.is(outcome.error)) failed.push({ part: 'unknown', message: outcome.error.message })
    else failed.push(outcome.error)
  }
  return { done, failed }
}
