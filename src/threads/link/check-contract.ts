/** Owns refusing contracts that could not work: what is no message, is listed twice, or would go round for ever. */
import { gotInstead } from '../../brokers/check-definition.js'
import { textOf } from '../../runtime/message-of.js'
import type { CarriedMessage, ThreadContract } from './carried.js'
import { ChannelKind } from './frame-layout.js'

/** @throws TypeError for what is no contract, and for one that could not work */
export function checkContract(contract: Partial<ThreadContract> | null | undefined): void {
  if (!Array.isArray(contract?.toWorker) || !Array.isArray(contract.toHost)) {
    throw new TypeError(
      `a contract must be { toWorker, toHost } with lists of messages; got ${textOf(contract)}`
    )
  }
  const { toWorker, toHost, toPeers = [] } = contract
  checkBothWays({ toWorker, toHost })
  checkMessages('toPeers', toPeers)
}

/**
 * Checks what two threads send to each other.
 *
 * @throws TypeError for what is no message, for one that a list has twice, and for a request or signal that is in both: each
 *   side would pass it on to the other
 */
export function checkBothWays(lists: Readonly<Record<string, readonly CarriedMessage[]>>): void {
  const oneWay = new Map<string, string>()
  for (const [name, messages] of Object.entries(lists)) {
    checkMessages(name, messages)
    for (const message of messages) {
      if (goesBothWays(message)) continue
      const key = keyOf(message)
      const other = oneWay.get(key)
      if (other !== undefined) {
        throw new TypeError(
          `${key} is in ${other} and in ${name}: only events and multi-requests go both ways; it belongs into the list of the side that ${message.kind === 'signal' ? 'sends it' : 'asks'}`
        )
      }
      oneWay.set(key, name)
    }
  }
}

/** Whether both sides of a link may send a message: it is for everybody who hears or answers it, on whichever side. */
export function goesBothWays({ kind }: CarriedMessage): boolean {
  return kind === 'event' || kind === 'multiRequest'
}

function checkMessages(name: string, messages: readonly unknown[]): void {
  if (!Array.isArray(messages))
    throw new TypeError(`${name} must be a list of messages; got ${textOf(messages)}`)
  const seen = new Set<string>()
  for (const [index, message] of messages.entries()) {
    if (!isMessage(message)) {
      throw new TypeError(
        `${name}[${index}] must be a message, as defineEvent and its like make it; ${gotInstead(message)}`
      )
    }
    const key = keyOf(message)
    if (seen.has(key)) throw new TypeError(`${name} has ${key} twice`)
    seen.add(key)
  }
}

function isMessage(value: unknown): value is CarriedMessage {
  const { kind, name } = (value ?? {}) as Partial<CarriedMessage>
  return typeof name === 'string' && typeof kind === 'string' && Object.hasOwn(ChannelKind, kind)
}

function keyOf({ kind, name }: CarriedMessage): string {
  return `${kind} "${name}"`
}
