/** Whoever waits for what an idle job will tell holds the process by himself, as the documentation says. */
import { expect, test } from '@jest/globals'
import { runScript } from '../support/run-script.js'

/** Waits for ever in a job that is idle, unless something closes it. */
const program = (hold: boolean, wait: string) => `
  import { key, Persistency, prefixRange, unwrap } from 'persistency'
  const persistency = unwrap(Persistency.open(':memory:'))
  const job = await unwrap(persistency.openJob('tenant', { journal: true }))
  await unwrap(job.flush())
  setTimeout(() => void persistency.close(), 500).unref()
  ${hold ? 'const hold = setInterval(() => {}, 2 ** 30)' : ''}
  ${wait}
  ${hold ? 'clearInterval(hold)' : ''}
  console.log(JSON.stringify('over'))
`

test.each([
  ['a live reader', 'for await (const event of job.events({ live: true })) void event'],
  ['a watcher', `for await (const item of job.watch('orders', prefixRange(key()))) void item`],
  ['a subscription', `await (await unwrap(job.subscription('mail', () => {}))).ended`],
  ['one that polls', `await (await unwrap(job.subscription('mail', () => {}, { pollMs: 20 }))).ended`]
])('%s does not hold the process, and a timer does until it is cleared', async (_, wait) => {
  const [free, held] = await Promise.all([false, true].map((hold) => runScript(program(hold, wait))))
  // 13 is what Node.js ends with when the top level of the program still waits.
  expect(free).toMatchObject({ code: 13, output: undefined })
  expect(held).toMatchObject({ code: 0, output: 'over' })
})
