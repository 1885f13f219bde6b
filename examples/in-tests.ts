// Your own code under test, with node:test: a storage in memory, on the thread of the test. Nothing to remove after.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defineTable, integer, type Job, Persistency, string, unwrap } from 'persistency'

const Addresses = defineTable('addresses', { key: integer, value: string })

/** What is tested: remembers the last address of each customer. */
async function moveTo(job: Job, customer: number, address: string): Promise<boolean> {
  const addresses = job.table(Addresses)
  if ((await unwrap(addresses.get(customer))) === address) return false
  await unwrap(addresses.put(customer, address))
  return true
}

describe('moving', () => {
  it('is told once', async () => {
    await using persistency = unwrap(Persistency.open({ rootDir: ':memory:', threads: 'none' }))
    const job = await unwrap(persistency.openJob('test'))
    const told = [await moveTo(job, 7, 'Elm Street'), await moveTo(job, 7, 'Elm Street')]
    assert.deepEqual(told, [true, false])
    console.log(`told: ${told.join(', ')}; rows: ${await unwrap(job.table(Addresses).count())}`)
  })
})
