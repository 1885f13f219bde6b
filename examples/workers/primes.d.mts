// The types of primes.mjs.
import type { EventDefinition, RequestDefinition } from 'persistency/brokers'
import type { ServeCall, Service, ThreadContract } from 'persistency/threads'

export declare const CountPrimes: RequestDefinition<
  { below: number },
  { primes: number; remembered: boolean }
>
export declare const Forget: EventDefinition<void>
export declare const GaveUp: EventDefinition<{ below: number }>
export declare const primesContract: ThreadContract
export declare function servePrimes(call: Pick<ServeCall, 'hub' | 'context'>): Service
