/** Owns the events that tests emit, and a world of their own to emit them in. */
import { BrokerContext, BrokerHub, defineEvent, EventBroker, type ListenerError } from 'persistency/brokers'

export const Note = defineEvent<string>('events.note')
export const Tick = defineEvent('events.tick')

/** A broker in a new context of a new hub, and every failure of its listeners. */
export function watchedEvents(): { events: EventBroker; failures: ListenerError[] } {
  const events = new EventBroker(new BrokerHub(), BrokerContext.create('events'))
  const failures: ListenerError[] = []
  events.listenerErrors.subscribe((failure) => failures.push(failure))
  return { events, failures }
}
