/** The failures of subscriptions: warnings of the process where nobody listens for them. */
import { describe, expect, test } from '@jest/globals'
import { EventBroker, SubscriptionFailed } from 'persistency'
import { nextTurn } from '../support/brokers-async.js'
import { fastClock } from '../support/fast-clock.js'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { useWarnings } from '../support/storage-process.js'
import { okOf } from '../support/storage-results.js'

const { folder, open } = useStorage()
const warnings = useWarnings()

const refuse = (): never => {
  throw { kind: 'refused', by: 'nobody' }
}

const REFUSED = '{ kind: "refused", by: "nobody" }'

const ENDS = [
  { onPoison: 'stop', code: 'PERSISTENCY_SUBSCRIPTION_ENDED', what: 'has ended' },
  { onPoison: 'park', code: 'PERSISTENCY_EVENT_PARKED', what: 'has parked an event' }
] as const

describe.each(ENDS)('a subscription that $what', ({ onPoison, code, what }) => {
  const options = { onPoison, retry: { attempts: 1 } }

  test('is a warning', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append({ type: 'bad' }))
    const warned = warnings.next()
    const subscription = await okOf(job.subscription(`unheard ${onPoison}`, refuse, options))
    const warning = await warned
    expect(warning).toMatchObject({ code })
    expect(warning.message).toMatch(`subscription "unheard ${onPoison}" of job "tenant" ${what}: `)
    expect(warning.message).toMatch(REFUSED)
    subscription.stop()
    await subscription.ended
    expect(warnings.seen).toHaveLength(1)
    const parked = await okOf(job.subscriptions.parked(`unheard ${onPoison}`))
    expect(parked.map(({ error }) => error)).toEqual(onPoison === 'park' ? [REFUSED] : [])
  })

  test('is none where somebody listens for it', async () => {
    const { job } = await open({ journal: true })
    const heard: boolean[] = []
    new EventBroker(undefined, job.context).listen(SubscriptionFailed, ({ parked }) => heard.push(parked))
    await okOf(job.append({ type: 'bad' }))
    const subscription = await okOf(job.subscription(`heard ${onPoison}`, refuse, options))
    await subscription.caughtUp()
    subscription.stop()
    await subscription.ended
    await nextTurn()
    expect(heard).toEqual([onPoison === 'park'])
    expect(warnings.seen).toEqual([])
  })
})

test.each(['caughtUp', 'stop', 'dropParked'])('a handler that waits for %s is a warning', async (call) => {
  const { stderr, code } = await runProgram(
    folder(),
    `
    const { Persistency, unwrap } = persistency
    const owner = unwrap(Persistency.open({ rootDir: root + '/data', journal: true }))
    const job = await unwrap(owner.openJob('tenant'))
    await unwrap(job.append({ type: 'first' }))
    ${fastClock(50)}
    let subscription
    const handler = async () => { await subscription.${call}(${call === 'dropParked' ? 1 : ''}) }
    subscription = await unwrap(job.subscription('waits', handler))
    process.on('warning', () => owner.close())
    await subscription.ended
  `
  )
  expect(stderr).toContain('[PERSISTENCY_HANDLER_STUCK] PersistencyWarning: subscription "waits"')
  expect(stderr).toContain('waits for a handler that has been at event 1 for 10 seconds')
  expect(code).toBe(0)
})
