/** With `PUTS=10000000` the long form. */
import { expect, test } from '@jest/globals'
import { type Job, key } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf } from '../support/storage-results.js'

const storage = useStorage()
const PUTS = Number(process.env['PUTS'] ?? 60_000)
const LIMIT_BYTES = 4 * 1024 * 1024
/** Less than what is let in between two turns of the event loop. */
const SMALL_LIMIT_BYTES = 128 * 1024
const payload = new Uint8Array(100).fill(7)
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`

test('a producer that awaits stays within the limits', async () => {
  const { job } = await storage.open({ maxQueueBytes: SMALL_LIMIT_BYTES })
  let most = 0
  let mostResident = 0
  for (let n = 0; n < PUTS; n++) {
    const put = job.persistPut('c', key(n % 100_000), payload)
    most = Math.max(most, job.queued.bytes)
    if ((n & 4095) === 0) mostResident = Math.max(mostResident, process.memoryUsage.rss())
    await put
  }
  await okOf(job.flush({ timeoutMs: 600_000 }))
  expect(most).toBeLessThanOrEqual(SMALL_LIMIT_BYTES)
  expect(most).toBeGreaterThan(SMALL_LIMIT_BYTES / 2)
  expect(await okOf(job.count('c', keyOf()))).toBe(Math.min(PUTS, 100_000))
  console.log(`${PUTS} awaited puts: at most ${most} bytes queued, ${megabytes(mostResident)} resident`)
}, 600_000)

test('a producer that never awaits is refused past the limits, and loses nothing that was accepted', async () => {
  const { job } = await storage.open({ maxQueueBytes: LIMIT_BYTES, whenFull: 'refuse' })
  let most = 0
  const answers = { accepted: 0, refused: 0 }
  for (let n = 0; n < PUTS; n++) {
    const put = job.persistPut('c', key(n), payload)
    most = Math.max(most, job.queued.bytes)
    // Looks at the answers in pieces: ten million promises would be memory of the test, not of the job.
    put.match(
      () => answers.accepted++,
      () => answers.refused++
    )
    // Answers come in between only: so many at once are more than there is room for.
    if ((n & 32_767) === 32_767) await new Promise(setImmediate)
  }
  expect((await errorOf(overfill(job))).code).toBe('ERR_OVERLOADED')
  await okOf(job.flush({ timeoutMs: 600_000 }))
  // The last answers come with the next turn of the event loop.
  await new Promise(setImmediate)
  expect(most).toBeLessThanOrEqual(LIMIT_BYTES)
  expect(answers.refused).toBeGreaterThan(0)
  expect(answers.accepted + answers.refused).toBe(PUTS)
  expect(await okOf(job.count('c', keyOf()))).toBe(answers.accepted)
  console.log(`${PUTS} puts never awaited: ${answers.accepted} accepted, ${answers.refused} refused`)
}, 600_000)

/** Puts more than there can be room for; answers what became of the last. */
function overfill(job: Job): ReturnType<Job['persistPut']> {
  let last = job.persistPut('other', key(0), payload)
  for (let n = 1; n < 100_000; n++) last = job.persistPut('other', key(n), payload)
  return last
}
