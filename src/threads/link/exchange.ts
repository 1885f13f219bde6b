/** Owns how the parts of a message become bytes: by the codecs of its definition, and by defaults where it has none. */
import type { WireCodec } from '../../bytes/wire-codec.js'
import type { CarriedMessage } from './carried.js'
import { cloneCodec } from './clone-codec.js'
import { errorCodec, outcomesCodec } from './error-codecs.js'

/** What both sides need to send and read a message, and its answer if there is one. */
export interface Exchange {
  readonly name: string
  readonly payload: WireCodec<unknown>
  readonly response: WireCodec<unknown>
  readonly error: WireCodec<unknown>
}

export function exchangeOf(message: CarriedMessage): Exchange {
  const { name, kind } = message
  if (kind === 'event' || kind === 'signal') {
    return { name, payload: message.codec ?? cloneCodec, response: cloneCodec, error: errorCodec }
  }
  const payload = message.codec.payload ?? cloneCodec
  const response = message.codec.response ?? cloneCodec
  const error = message.codec.error ?? errorCodec
  if (kind === 'request') return { name, payload, response, error }
  return { name, payload, response: outcomesCodec(response, error), error: errorCodec }
}
