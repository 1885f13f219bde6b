// An outbox: orders of a shop are handed to the dispatch, which is another job. A crash in between costs none, and
// doubles none, because the second delivery names the same idempotency key.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Result } from 'neverthrow'
import { type Job, jsonEvents, key, Persistency, payload, type SubscriptionHandler } from 'persistency'

type ShopEvent = { type: 'order-placed'; data: { item: string } }

const shopEvents = jsonEvents<ShopEvent>('order-placed')
const rootDir = mkdtempSync(join(tmpdir(), 'outbox-'))

// The order and the event that tells of it are one transaction: there is never one without the other.
async function placeOrder(shop: Job, item: string): Promise<void> {
  const ops = { kind: 'put', category: 'orders', key: key(item), payload: payload(item) } as const
  value(await shop.append(shopEvents.encode({ type: 'order-placed', data: { item } }), { ops }))
}

// At least once, plus a key that the receiver remembers: exactly once.
function handOver(dispatch: Job): SubscriptionHandler {
  return (recorded, { subscription }) => {
    const { type, data, seq } = recorded
    return dispatch
      .append({ type, data }, { idempotencyKey: `${subscription}:${seq}` })
      .map(({ repeated }) => console.log(`order ${seq} ${repeated ? 'was there already' : 'handed over'}`))
  }
}

{
  const persistency = value(Persistency.open(rootDir))
  const shop = value(await persistency.openJob('shop', { journal: true }))
  const dispatch = value(await persistency.openJob('dispatch', { journal: true }))
  await placeOrder(shop, 'a lamp')
  await placeOrder(shop, 'a chair')

  // The process ends between handing the first order over and moving the checkpoint on.
  const deliver = handOver(dispatch)
  const outbox = value(
    await shop.subscription('outbox', async (event, delivery) => {
      await deliver(event, delivery)
      console.log('crash')
      await shop.close()
    })
  )
  await outbox.ended
  value(await persistency.close())
}

{
  const persistency = value(Persistency.open(rootDir))
  const shop = value(await persistency.openJob('shop'))
  const dispatch = value(await persistency.openJob('dispatch'))
  const outbox = value(await shop.subscription('outbox', handOver(dispatch)))
  value(await outbox.caughtUp())

  const received: string[] = []
  for await (const event of dispatch.events()) {
    const order = event.kind === 'event' ? shopEvents.decode(event) : undefined
    if (order !== undefined) received.push(order.data.item)
  }
  console.log(`the dispatch has ${received.join(' and ')}`)
  value(await persistency.close())
}
rmSync(rootDir, { recursive: true })

function value<T>(result: Result<T, unknown>): T {
  if (result.isErr()) throw result.error
  return result.value
}
