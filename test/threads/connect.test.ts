import { expect, it } from '@jest/globals'
import { FILES, PRELUDE } from '../shared/worker-modules.js'
import { fastClock } from '../support/fast-clock.js'
import { runScript } from '../support/run-script.js'

it('connecting waits for a worker that is busy, however long', async () => {
  const { output, code } = await runScript(
    `${PRELUDE}
    import { contract as busyContract, Spin } from './busy.mjs'
    const peers = BrokerContext.create('peers')
    const first = await started({ data: { peers, answers: true } })
    const busy = (await startWorker(moduleAt('./busy.mjs'), busyContract, { hub, context: peers }))._unsafeUnwrap()
    const spun = requests.in(peers).request(Spin, 300, { timeoutMs: Infinity })
    // To this thread it looks like half a minute.
    ${fastClock(100)}
    print(kindOf(await first.connect(busy, peers, { forth: [PeerTick], back: [] })))
    await spun
    process.exit(0)
    `,
    {
      ...FILES,
      'busy.mjs': `
import { defineRequest, RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { isMainThread } from 'node:worker_threads'
import { PeerTick } from './messages.mjs'
export const Spin = defineRequest('busy.spin')
export const contract = { toWorker: [Spin], toHost: [], toPeers: [PeerTick] }
if (!isMainThread) serveBrokers(contract, ({ hub, context }) => {
  new RequestBroker(hub, context).provide(Spin, (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); })
})
`
    }
  )
  expect({ output, code }).toEqual({ output: 'ok', code: 0 })
})
