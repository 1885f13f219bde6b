import { MessageChannel } from 'node:worker_threads'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BrokerContext, BrokerHub, defineRequest, RequestBroker } from 'persistency/brokers'
import { Link } from 'persistency/threads'
import { GivenUp } from '../../dist/threads/link/given-up.js'
import { CONSTANT, cost, growth } from '../support/growth.js'

describe('requests given up', () => {
  it('count until the other side has come past their frames', () => {
    const steps = fc.array(fc.record({ posted: fc.nat(5), workedOff: fc.nat(5), given: fc.array(fc.nat(8)) }))
    fc.assert(
      fc.property(steps, (turns) => {
        const givenUp = new GivenUp()
        let model: number[] = []
        let [posted, workedOff] = [0, 0]
        for (const turn of turns) {
          posted += turn.posted
          workedOff = Math.min(posted, workedOff + turn.workedOff)
          for (const back of turn.given) {
            const frame = Math.max(1, posted + 1 - back)
            givenUp.add(frame, workedOff)
            model.push(frame)
          }
          model = model.filter((frame) => frame > workedOff)
          if (turn.posted % 2 === 0) expect(givenUp.waiting(workedOff)).toBe(model.length)
        }
        expect(givenUp.waiting(posted + 1)).toBe(0)
      })
    )
  })

  it('make the next ones no slower, however many they are', async () => {
    const Ask = defineRequest<number, number>('given-up.ask')
    const refused = async (n: number): Promise<number> => {
      const hub = new BrokerHub()
      const context = BrokerContext.create()
      const { port1, port2 } = new MessageChannel()
      // Nobody listens at the other end, so no frame is ever worked off.
      const link = new Link(port1, hub, { maxFramesInFlight: 2, acknowledgeEvery: 1, maxPendingRequests: n })
      link.route(context, { send: [Ask], receive: [] })
      const requests = new RequestBroker(hub, context)
      const caller = new AbortController()
      const calls = Array.from({ length: n }, (_, index) =>
        requests.request(Ask, index, { signal: caller.signal })
      )
      caller.abort()
      await Promise.all(calls)
      let last = requests.request(Ask, 0)
      const spent = await cost(() => {
        for (let index = 1; index < 1000; index++) last = requests.request(Ask, index)
      })
      expect((await last)._unsafeUnwrapErr()).toMatchObject({ kind: 'overloaded' })
      link.close('the test is over')
      port1.close()
      port2.close()
      return spent
    }
    expect(await growth(CONSTANT, 4000, refused)).toBeLessThan(CONSTANT)
  }, 120_000)
})
