/** Owns asking the storage for the journal: requests that are sent in line with everything else, once or step by step. */
import { err, ok, ResultAsync } from 'neverthrow'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { PersistencyError } from '../errors.js'
import type { ReadOptions } from '../types.js'
import type { Stepwise } from './message-payloads.js'

/** Sends a request when everything before it has been sent. */
export type Ask = <Query, Response>(
  request: RequestDefinition<Query, Response, PersistencyError>,
  query: Query,
  options: ReadOptions
) => ResultAsync<Response, PersistencyError>

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
