// A request with typed answers: the response, the provider's own error, no provider, a time limit and an abort.
import { setTimeout as sleep } from 'node:timers/promises'
import { err, ok } from 'neverthrow'
import { BrokerError, defineRequest, RequestBroker } from 'persistency/brokers'

interface UnknownCity {
  readonly kind: 'unknownCity'
  readonly city: string
}
const Weather = defineRequest<{ city: string }, { tempC: number }, UnknownCity>('weather')
const requests = new RequestBroker()

/** The error type says what can go wrong: the provider's own errors, and those of the broker. */
const explain = (error: UnknownCity | BrokerError): string =>
  error instanceof BrokerError ? `broker: ${error.kind}` : `no such city: ${error.city}`

async function ask(city: string, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void> {
  const answer = await requests.request(Weather, { city }, options)
  console.log(answer.match(({ tempC }) => `${city}: ${tempC} °C`, explain))
}

await ask('Oslo')

const provided = requests.provide(Weather, async ({ city }, { signal }) => {
  if (city === 'Slowtown') await sleep(10_000, undefined, { signal }) // ends when the caller gives up
  return city === 'Oslo' ? ok({ tempC: 4 }) : err({ kind: 'unknownCity' as const, city })
})
console.log('provided:', provided.isOk())
console.log(
  requests
    .provide(Weather, () => ({ tempC: 0 }))
    .match(
      () => 'replaced',
      (error) => `second provider: ${error.kind}`
    )
)

await ask('Oslo')
await ask('Atlantis')
await ask('Slowtown', { timeoutMs: 20 })
const controller = new AbortController()
const waiting = ask('Slowtown', { signal: controller.signal })
controller.abort()
await waiting
