/** Owns adapting the provider functions of an application to the form that the hub calls. */
import type { Result, ResultAsync } from 'neverthrow'
import { isResult } from '../runtime/is-result.js'
import { messageOf, textOf } from '../runtime/message-of.js'
import { isThenable } from '../runtime/thenable.js'
import { checkDefinition } from './check-definition.js'
import type { MultiRequestDefinition, RequestDefinition } from './definitions.js'
import { BrokerError } from './errors.js'
import type { Call, ProviderCall, RequestHandler } from './provider.js'

/** What a provider may answer with: the response itself, or a neverthrow `Result` of it. */
export type Answer<Response, Failure> = Response | Result<Response, Failure>

/** Answers a request, now or through a promise. A throw or a rejection reaches the caller as `providerFailed`. */
export type RequestProvider<Payload, Response, Failure> = (
  payload: Payload,
  call: ProviderCall
) => Answer<Response, Failure> | PromiseLike<Answer<Response, Failure>> | ResultAsync<Response, Failure>

/** @throws TypeError when the request is none of its kind, or the provider is no function */
export function adaptProvider<Payload, Response, Failure>(
  kind: 'request' | 'multiRequest',
  request: RequestDefinition<Payload, Response, Failure> | MultiRequestDefinition<Payload, Response, Failure>,
  provider: RequestProvider<Payload, Response, Failure>
): { readonly handler: RequestHandler; readonly source: unknown } {
  checkDefinition(request, kind)
  if (typeof provider !== 'function') {
    throw new TypeError(`a provider of "${request.name}" must be a function; got ${textOf(provider)}`)
  }
  const sync = request.kind === 'request' && request.sync
  const handler: RequestHandler = (payload, call) => {
    const fail = (thrown: unknown): void => call.reject(providerFailed(request.name, thrown))
    try {
      const answer: unknown = provider(payload as Payload, call)
      if (!isThenable(answer)) settle(call, answer)
      else if (sync) {
        call.reject(notSynchronous(request.name))
        answer.then(undefined, () => {})
      } else {
        answer.then((value) => {
          try {
            settle(call, value)
          } catch (thrown) {
            fail(thrown)
          }
        }, fail)
      }
    } catch (thrown) {
      fail(thrown)
    }
  }
  return { handler, source: provider }
}

function settle(call: Call, answer: unknown): void {
  if (!isResult(answer)) call.resolve(answer)
  else if (answer.isOk()) call.resolve(answer.value)
  else call.reject(answer.error)
}

function providerFailed(request: string, thrown: unknown): BrokerError {
  return new BrokerError('providerFailed', `the provider of "${request}" failed: ${messageOf(thrown)}`, {
    cause: thrown
  })
}

/** The error of a synchronous request whose provider returned a promise. */
export function notSynchronous(request: string): BrokerError {
  return new BrokerError(
    'providerFailed',
    `the provider of synchronous request "${request}" answered with a promise`
  )
}
