/** Owns stopping an application in good order: one multi-request that everything with a lifetime answers. */
import { err, ok, type Result } from 'neverthrow'
import { defineMultiRequest, type MultiRequestDefinition } from './definitions.js'
import { BrokerError, messageOf } from './errors.js'
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

/** Asks every part of a context to stop. */
export const Teardown: MultiRequestDefinition<void, TornDown, TeardownFailure> = defineMultiRequest<
  void,
  TornDown,
  TeardownFailure
>('brokers.teardown', { timeoutMs: 30_000 })

/**
 * Has a part answer {@link Teardown} in the broker's context. `close` may answer a `Result`; an `Err`, a throw or a
 * rejection makes the part one that failed.
 */
export function joinTeardown(
  broker: MultiRequestBroker,
  part: string,
  close: () => unknown
): Result<ProviderHandle, BrokerError> {
  return broker.provide(Teardown, async () => {
    const started = performance.now()
    try {
      const closed = await close()
      if (isErr(closed)) return err({ part, message: messageOf(closed.error) })
      return ok({ part, ms: performance.now() - started })
    } catch (thrown) {
      return err({ part, message: messageOf(thrown) })
    }
  })
}

/** Asks every part to stop and tells who did and who failed. Never rejects. */
export async function tearDown(
  broker: MultiRequestBroker
): Promise<{ readonly done: TornDown[]; readonly failed: TeardownFailure[] }> {
  const outcomes = await broker.requestSettled(Teardown)
  const done: TornDown[] = []
  const failed: TeardownFailure[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') done.push(outcome.value)
    else if (outcome.error instanceof BrokerError)
      failed.push({ part: 'unknown', message: outcome.error.message })
    else failed.push(outcome.error)
  }
  return { done, failed }
}

function isErr(value: unknown): value is { readonly error: unknown } {
  return (
    typeof value === 'object' && value !== null && 'isErr' in value && (value as { isErr(): boolean }).isErr()
  )
}
