/** Each type in the signature of something public can be named from where that comes from. */
import * as main from 'persistency'
import * as brokers from 'persistency/brokers'
import type * as threads from 'persistency/threads'
import { expectType } from './expect-type.js'

declare const request: main.RequestDefinition<string, number, Error>
declare const event: main.EventDefinition<string>
declare const signal: main.SignalDefinition<string>
declare const every: main.MultiRequestDefinition<void, number, Error>
declare const signals: main.SignalBroker
declare const call: main.ProviderCall
declare const hub: brokers.BrokerHub
declare const host: threads.WorkerHostOptions
declare const port: threads.LinkPort

expectType(signals.on(signal, () => {})._unsafeUnwrap()).is<main.HandlerHandle>()
expectType(signals.handler(signal)).is<main.SignalHandler<string> | undefined>()
expectType(new main.MultiRequestBroker().requestSettled(every)).is<
  Promise<main.Outcome<number, Error | main.BrokerError>[]>
>()
expectType(request.codec).is<main.RequestCodecs<string, number, Error>>()
expectType(event.codec).is<main.WireCodec<string> | undefined>()
expectType(call.signal).is<main.CancelSignal>()
expectType(call.signal).is<brokers.CancelSignal>()
expectType(hub.turns).is<brokers.Turns>()
expectType(host.resourceLimits).is<threads.ThreadLimits | undefined>()
expectType(port.postMessage).is<(frame: threads.Frame, transfer: readonly ArrayBuffer[]) => void>()
expectType(port.on).is<(event: threads.PortEvent, listener: (value: unknown) => void) => unknown>()

/** An option that is not set is as good as one that is absent. */
export function configured(config: {
  readonly timeoutMs: number | undefined
  readonly queueDepth: number | undefined
  readonly graceMs: number | undefined
  readonly codec: brokers.WireCodec<string> | undefined
  readonly stackSizeMb: number | undefined
  readonly category: string | undefined
}) {
  const { timeoutMs, codec } = config
  brokers.defineEvent<string>('configured', { codec })
  brokers.defineSignal<string>('configured', { queueDepth: config.queueDepth, codec })
  brokers.defineRequest<string, string>('configured', {
    timeoutMs,
    sync: undefined,
    codec: { payload: codec }
  })
  brokers.defineMultiRequest<string, string>('configured', { timeoutMs, codec: undefined })
  main.defineProjection<{ type: 'added' }, number>({
    ...{ name: 'configured', version: 1, events: main.jsonEvents(), initial: () => 0, apply: (n) => n + 1 },
    ...{ category: config.category, stream: undefined, codec: undefined, key: undefined }
  })
  const limits: threads.ThreadLimits = { stackSizeMb: config.stackSizeMb }
  const drop: brokers.DropOptions = { graceMs: config.graceMs }
  return { limits, drop }
}
