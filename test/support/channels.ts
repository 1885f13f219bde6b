/** Hears what is published on diagnostics channels during a test. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach } from '@jest/globals'

/** A message and the channel it came on. */
export interface Heard {
  readonly channel: string
  readonly message: Record<string, unknown>
}

/** Call it at the top of a test file; everything is unsubscribed after each test. */
export function useChannels() {
  const stops: (() => void)[] = []
  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
  })

  /** Calls `hear` for each message of a channel. */
  const on = <Message>(channel: string, hear: (message: Message) => void): void => {
    const listener = (message: unknown): void => hear(message as Message)
    subscribe(channel, listener)
    stops.push(() => unsubscribe(channel, listener))
  }

  /** Everything that comes on some channels, in order, as it was when it came. */
  const record = (...channels: readonly string[]): Heard[] => {
    const heard: Heard[] = []
    for (const channel of channels) {
      on<Record<string, unknown>>(channel, (message) => heard.push({ channel, message: { ...message } }))
    }
    return heard
  }

  return { on, record }
}

/** The names of the five channels of a tracing channel. */
export function tracingNames(name: string): string[] {
  return ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => `tracing:${name}:${event}`)
}

/** The last part of a channel's name. */
export const eventOf = ({ channel }: Heard): string => channel.split(':').at(-1) as string
