/** Owns how a payload and its options are passed: what has no payload takes none. */
import type { RequestOptions } from './pending-call.js'

/**
 * The payload of a message as an argument; messages without a payload take none. `[payload: Payload]` is outside of the
 * condition, so that a function which is generic over `Payload` can pass its argument on.
 */
export type PayloadArgs<Payload> =
  | [payload: Payload]
  | ([Payload] extends [void] ? [payload?: undefined] : never)

/** The payload and options of a call; requests without a payload take none. */
export type RequestArgs<Payload> =
  | [payload: Payload, options?: RequestOptions]
  | ([Payload] extends [void] ? [payload?: undefined, options?: RequestOptions] : never)
