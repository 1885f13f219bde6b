// Your own code under test, with node:test: a storage in memory, on the thread of the test. Nothing to remove after.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Job, key, Persistency, string } from 'persistency'

/** What is tested: remembers the last address of each customer. */
async function moveTo(job: Job, customer: number, address: string): Promise<boolean> {
  const known = (await job.get('addresses', key(customer)))._unsafeUnwrap()
  if (known !== undefined && string.decode(known) === address) return false
  await job.persistEncoded('addresses', key(customer), address, string)
  return true
}

describe('moving', () => {
  it('is told once', async () => {
    await using persistency = Persistency.open({ rootDir: ':memory:', threads: 'none' })._unsafeUnwrap()
    const job = (await persistency.openJob('test'))._unsafeUnwrap()
    const told = [await moveTo(job, 7, 'Elm Street'), await moveTo(job, 7, 'Elm Street')]
    assert.deepEqual(told, [true, false])
    console.log(`told: ${told.join(', ')}; rows: ${(await job.count('addresses', key()))._unsafeUnwrap()}`)
  })
})
