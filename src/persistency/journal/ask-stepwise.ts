/** Owns asking the storage for what may take long, step by step. */
import { err, ok, ResultAsync } from 'neverthrow'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { Ask } from '../ask.js'
import type { PersistencyError } from '../errors.js'
import type { ReadOptions } from '../types.js'
import type { Stepwise } from './message-payloads.js'

/** Asks again and again until the answer is ready. The time limit is that of each step. */
export function askStepwise<Query, Response>(
  ask: Ask,
  request: RequestDefinition<Query, Stepwise<Response>, PersistencyError>,
  query: Query,
  options: ReadOptions,
  onStep: (done: number, total: number) => void = () => {}
): ResultAsync<Response, PersistencyError> {
  return ResultAsync.fromSafePromise(untilReady()).andThen((result) => result)

  async function untilReady() {
    for (;;) {
      const step = await ask(request, query, options)
      if (step.isErr()) return err<Response, PersistencyError>(step.error)
      if (step.value.ready) return ok<Response, PersistencyError>(step.value.value)
      onStep(step.value.done, step.value.total)
    }
  }
}
