// An outbox: orders of a shop reach the dispatch exactly once, through a broker, although the process is killed on the
// way. This program runs itself once more as that process, and then goes on where it was.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DecodedHandler, type Job, jsonEvents, key, Persistency, payload, unwrap } from 'persistency'
import { defineRequest, RequestBroker } from 'persistency/brokers'

type ShopEvent = { type: 'order-placed' | 'parcel-due'; data: { item: string } }
const events = jsonEvents<ShopEvent>()
const Dispatch = defineRequest<{ id: string; item: string }, 'new' | 'known', unknown>('dispatch')

// The order and the event that tells of it are one transaction: there is never one without the other.
async function placeOrder(shop: Job, item: string): Promise<void> {
  const ops = { kind: 'put', category: 'orders', key: key(item), payload: payload(item) } as const
  await unwrap(shop.append(events.encode({ type: 'order-placed', data: { item } }), { ops }))
}

// At least once, with an id that is the same each time.
function handOver(requests: RequestBroker, killedAt?: number): DecodedHandler<ShopEvent> {
  return async ({ data: { item } }, { subscription, recorded: { seq, time } }) => {
    // The time as well: after a restore, or a power loss, a number may be that of another event.
    const order = { id: `${subscription}:${seq}:${time}`, item }
    console.log(`${seq}, ${item}, is ${await unwrap(requests.request(Dispatch, order))}`)
    // The worst moment: the order is handed over, and the checkpoint has not moved on.
    if (seq === killedAt) process.kill(process.pid, 'SIGKILL')
  }
}

// The receiver remembers the id in the transaction that stores what it makes of the order: exactly once.
function receive(requests: RequestBroker, dispatch: Job): void {
  unwrap(
    requests.provide(Dispatch, ({ id, item }) =>
      dispatch
        .append(events.encode({ type: 'parcel-due', data: { item } }), { idempotencyKey: id })
        .map(({ repeated }) => (repeated ? 'known' : 'new'))
    )
  )
}

async function deliver(rootDir: string, items: readonly string[], killedAt?: number): Promise<void> {
  const persistency = unwrap(Persistency.open(rootDir))
  const shop = await unwrap(persistency.openJob('shop', { journal: true }))
  const dispatch = await unwrap(persistency.openJob('dispatch', { journal: true }))
  const requests = new RequestBroker()
  receive(requests, dispatch)
  for (const item of items) await placeOrder(shop, item)
  const outbox = await unwrap(shop.subscription('outbox', handOver(requests, killedAt), { events }))
  await unwrap(outbox.caughtUp())

  const parcels: string[] = []
  for await (const event of dispatch.events()) {
    if (event.kind === 'event') parcels.push(events.decode(event)?.data.item ?? '')
  }
  console.log(`${parcels.length} parcels: ${parcels.join(', ')}`)
  await unwrap(persistency.close())
}

if (process.argv[2] !== undefined) await deliver(process.argv[2], ['a lamp', 'a chair', 'a rug'], 2)
else {
  const rootDir = mkdtempSync(join(tmpdir(), 'outbox-'))
  const again = [...process.execArgv, import.meta.filename, rootDir]
  console.log(`ended by ${spawnSync(process.execPath, again, { stdio: 'inherit' }).signal}`)
  await deliver(rootDir, [])
  rmSync(rootDir, { recursive: true })
}
