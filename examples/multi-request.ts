// One question, an answer of every part: health checks of which one fails and one is too slow, and the two ways to ask.
import { setTimeout as sleep } from 'node:timers/promises'
import { err, ok } from 'neverthrow'
import {
  BrokerError,
  defineMultiRequest,
  MultiRequestBroker,
  type Outcome,
  unwrap
} from 'persistency/brokers'

interface Health {
  readonly part: string
  readonly detail: string
}
const HealthCheck = defineMultiRequest<void, Health, Health>('health-check', { timeoutMs: 50 })
const parts = new MultiRequestBroker()

console.log('nobody to ask:', await parts.requestSettled(HealthCheck))

unwrap(
  parts.provide(HealthCheck, async () => {
    await sleep(10) // the slowest answer keeps its place
    return { part: 'cache', detail: 'warm' }
  })
)
unwrap(parts.provide(HealthCheck, () => err({ part: 'printer', detail: 'out of paper' })))
const mail = unwrap(
  parts.provide(HealthCheck, async (_, { signal }) => {
    await sleep(10_000, undefined, { signal }) // ends when its time is over
    return ok({ part: 'mail', detail: 'too late' })
  })
)
unwrap(parts.provide(HealthCheck, () => ({ part: 'database', detail: 'reachable' })))
console.log('parts:', parts.providerCount(HealthCheck))

const describe = (outcome: Outcome<Health, Health | BrokerError>): string => {
  if (outcome.status === 'fulfilled') return `ok: ${outcome.value.part} is ${outcome.value.detail}`
  if (outcome.error instanceof BrokerError) return `no answer: ${outcome.error.kind}`
  return `failed: ${outcome.error.part} is ${outcome.error.detail}`
}

// Every outcome, in the order in which the parts registered.
for (const outcome of await parts.requestSettled(HealthCheck)) console.log(describe(outcome))

// All or nothing: the first failure in that order.
mail.remove()
const all = await parts.request(HealthCheck)
console.log(
  all.match(
    (healthy) => `all ${healthy.length} are well`,
    (error) => describe({ status: 'rejected', error })
  )
)
