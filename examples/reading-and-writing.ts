// Every kind of operation, alone and in a batch; what a read may be asked for; keys and payloads turned back into values.
import { integer, json, key, keyFromHex, Persistency, rangeAfter, tuple, unwrap } from 'persistency'

const Order = json<{ customer: string; lamps: number }>()
const OrderKey = tuple(integer, integer) // year, number

await using persistency = unwrap(Persistency.open({ rootDir: ':memory:', threads: 'none' }))
const job = await unwrap(persistency.openJob('acme'))
const order = (number: number, customer: string, lamps: number) =>
  ({
    kind: 'put',
    category: 'orders',
    key: OrderKey([2026, number]),
    payload: Order.encode({ customer, lamps })
  }) as const

// One operation each. Accepted: they are committed in this order, or reported as failed.
await unwrap(job.persist(order(1, 'ann', 2)))
await unwrap(job.persistEncoded('orders', key(2026, 2), { customer: 'bob', lamps: 1 }, Order))
await unwrap(job.persistDelete('carts', key('bob')))

// Several: all or none. A check says what must hold; nothing is stored when it does not.
const move = job.persistAcked([
  { kind: 'check', category: 'orders', key: key(2026, 3) }, // there must be no row
  order(3, 'ann', 5),
  { kind: 'deletePrefix', category: 'carts', prefix: key('ann') }
])
console.log('stored:', (await unwrap(move)).ops, 'operations')
const again = await job.persistAcked([
  { kind: 'check', category: 'orders', key: key(2026, 3) },
  order(3, 'eve', 1)
])
console.log('again:', again.isErr() ? again.error.code : 'stored')

// Decoded at once; a payload that the codec cannot read is an error like any other.
const second = await job.getDecoded('orders', key(2026, 2), Order)
console.log('second order:', second.map((found) => found?.customer).unwrapOr('unreadable'))

// A prefix or a range; backwards, at most so many, without payloads.
for (const row of await unwrap(job.scan('orders', key(2026), { reverse: true, limit: 2 }))) {
  const [, number] = OrderKey.decode(row.key.bytes)
  console.log(`order ${number}:`, Order.decode(row.payload).customer)
}

// Page by page, for somebody who brings back the cursor of the page before: its last key, as text.
async function pageOfYear(year: number, cursor?: string, limit = 2) {
  const range = cursor === undefined ? key(year) : rangeAfter(key(year), keyFromHex(cursor))
  const rows = range === undefined ? [] : await unwrap(job.scan('orders', range, { limit }))
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { rows, next: last && String(last.key) } // no next: that was all
}
const firstPage = await pageOfYear(2026)
const secondPage = await pageOfYear(2026, firstPage.next)
console.log('rows on two pages:', firstPage.rows.length, 'and', secondPage.rows.length)

console.log('rows from 2 on:', await unwrap(job.count('orders', { start: key(2026, 2) })))
console.log('keys only:', (await unwrap(job.scan('orders', key(), { keysOnly: true }))).length)
const [first, missing] = await unwrap(job.getMany('orders', [key(2026, 1), key(2025, 1)]))
console.log('lamps:', first && Order.decode(first).lamps, 'missing:', missing)
console.log('was there:', await unwrap(job.deleteAcked('orders', key(2026, 1))))
