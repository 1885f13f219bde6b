/** Owns how the parts of a job ask its storage: in line with everything else that the job is asked. */
import type { ResultAsync } from 'neverthrow'
import type { RequestDefinition } from '../brokers/definitions.js'
import type { PersistencyError } from './errors.js'
import type { ReadOptions } from './types.js'

/** Sends a request when everything before it has been sent. */
export type Ask = <Query, Response>(
  request: RequestDefinition<Query, Response, PersistencyError>,
  query: Query,
  options: ReadOptions
) => ResultAsync<Response, PersistencyError>
