/** Owns how the calls of a job get to its storage: each in its place in the line of everything the job was asked. */
import { err, type Result, ResultAsync } from 'neverthrow'
import type { RequestDefinition } from '../brokers/definitions.js'
import type { BrokerError } from '../brokers/errors.js'
import type { RequestBroker } from '../brokers/request-broker.js'
import { toPersistencyError } from './call-errors.js'
import type { PersistencyError } from './errors.js'
import { Patience } from './patience.js'
import type { ReadOptions } from './types.js'
import { unpacked } from './unpacked.js'
import type { WriteQueue } from './writes/write-queue.js'

export interface JobCalls {
  /** Sends a request when everything before it has been sent. */
  ask<Payload, Response>(
    request: RequestDefinition<Payload, Response, PersistencyError>,
    payload: Payload,
    patience: ReadOptions & { readonly timeoutMs: number }
  ): ResultAsync<Response, PersistencyError>
  /** Does something when everything before it has been sent; `fail` instead when there is no storage any more. */
  inLine(run: () => void, fail: (error: PersistencyError) => void): void
}

export interface DirectCallsParts {
  readonly jobId: string
  readonly requests: RequestBroker
  readonly queue: WriteQueue
}

/** The calls of a job that fails with its storage: there is always one to send them to. */
export class DirectCalls implements JobCalls {
  readonly #jobId: string
  readonly #requests: RequestBroker
  readonly #queue: WriteQueue

  constructor({ jobId, requests, queue }: DirectCallsParts) {
    this.#jobId = jobId
    this.#requests = requests
    this.#queue = queue
  }

  ask<Payload, Response>(
    request: RequestDefinition<Payload, Response, PersistencyError>,
    payload: Payload,
    patience: ReadOptions & { readonly timeoutMs: number }
  ): ResultAsync<Response, PersistencyError> {
    const since = performance.now()
    const send = (left: ReadOptions): Promise<Result<Response, PersistencyError>> =>
      new Promise((resolve) => {
        this.#requests.send(request, payload, left, (result) =>
          resolve(unpacked(this.#translated<Response>(result), () => this.#patience(patience, since)))
        )
      })
    return new ResultAsync(this.#queue.crowded ? this.#sendInLine(send, patience) : send(patience))
  }

  inLine(run: () => void, fail: (error: PersistencyError) => void): void {
    this.#queue.inLine(run, fail)
  }

  /** Sends when everything before has been sent: in the async context of the caller, unless that has given up by then. */
  #sendInLine<T>(
    send: (left: ReadOptions) => Promise<Result<T, PersistencyError>>,
    patience: ReadOptions
  ): Promise<Result<T, PersistencyError>> {
    const waiting = this.#patience(patience)
    const answer = new Promise<Result<T, PersistencyError>>((resolve) => {
      this.inLine(
        waiting.later((left) => resolve(send(left))),
        (error) => resolve(err(error))
      )
    })
    return waiting.bound(answer)
  }

  #patience(options: ReadOptions, since?: number): Patience {
    return new Patience(`a read of job "${this.#jobId}"`, options, since)
  }

  /** The answer of a broker as an answer of a job. */
  #translated<Response>(result: Result<unknown, unknown>): Result<Response, PersistencyError> {
    if (result.isOk()) return result as Result<Response, PersistencyError>
    return err(toPersistencyError(result.error as PersistencyError | BrokerError, this.#jobId))
  }
}
