/** Owns an interface with parts of every kind, and an implementation of it. */
import { err, ok, type Result } from 'neverthrow'
import {
  type BrokerHub,
  defineEvent,
  defineInterface,
  defineRequest,
  defineSignal,
  type ImplementationOf,
  type Instance,
  implement
} from 'persistency/brokers'

export const Read = defineRequest<void, number>('thermostat.read')
export const Adjust = defineRequest<number, number, { reason: string }>('thermostat.set')
export const Unit = defineRequest<void, string>('thermostat.unit', { sync: true })
export const Reset = defineSignal('thermostat.reset')
export const Changed = defineEvent<number>('thermostat.changed')
export const Thermostat = defineInterface('thermostat', {
  requests: { read: Read, set: Adjust, unit: Unit },
  signals: { reset: Reset },
  events: { changed: Changed }
})

export class Room implements ImplementationOf<typeof Thermostat> {
  resets = 0
  #celsius: number

  constructor(celsius = 20) {
    this.#celsius = celsius
  }

  read(): number {
    return this.#celsius
  }

  set(celsius: number): Result<number, { reason: string }> {
    if (celsius > 30) return err({ reason: 'too hot' })
    this.#celsius = celsius
    return ok(celsius)
  }

  unit(): string {
    return '°C'
  }

  reset(): void {
    this.resets++
  }
}

/** A room in a context of its own. */
export function room(hub: BrokerHub, celsius?: number): Instance<typeof Thermostat> {
  return implement(Thermostat, new Room(celsius), { hub })._unsafeUnwrap()
}
