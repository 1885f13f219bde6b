/** Owns the requests that tests make, and a world of their own to make them in. */
import { BrokerContext, BrokerHub, defineRequest, RequestBroker } from 'persistency/brokers'

export const Length = defineRequest<string, number>('requests.length')
export const Next = defineRequest<void, number>('requests.next')
export const Stop = defineRequest<void, void, string>('requests.stop')
export const Divide = defineRequest<{ a: number; b: number }, number, { reason: string }>('requests.divide')
export const Add = defineRequest<readonly [number, number], number, string>('requests.add', { sync: true })

/** A broker in a new context of a new hub. */
export function newRequests(): { hub: BrokerHub; requests: RequestBroker } {
  const hub = new BrokerHub()
  return { hub, requests: new RequestBroker(hub, BrokerContext.create('requests')) }
}
