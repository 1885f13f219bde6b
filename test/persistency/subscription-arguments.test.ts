import { expect, test } from '@jest/globals'
import { defineProjection, retryOnConflict } from 'persistency'
import { countOfEvents } from '../support/journal.js'
import { describeOnce, useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const { owner, folder } = useStorage()

/** Passes what the types forbid. */
const forbidden = (value: unknown) => value as never

const withJournal = () =>
  okOf(owner({ rootDir: folder(), threads: 'none' }).openJob('tenant', { journal: true }))

describeOnce('what a subscription is called with', () => {
  test('is refused when it is no sequence number, and nothing ends', async () => {
    const job = await withJournal()
    await okOf(job.append({ type: 'a' }))
    const refuse = () => {
      throw new Error('refused')
    }
    const subscription = await okOf(
      job.subscription('s', refuse, { onPoison: 'park', retry: { attempts: 1 } })
    )
    await okOf(subscription.caughtUp())
    for (const wrong of [1n, true, {}, Symbol('s'), '1', -1, 1.5, null]) {
      expect((await errorOf(subscription.retryParked(forbidden(wrong)))).code).toBe('ERR_SEQ')
      expect((await errorOf(subscription.dropParked(forbidden(wrong)))).code).toBe('ERR_SEQ')
    }
    expect((await errorOf(subscription.dropParked(forbidden(undefined)))).code).toBe('ERR_SEQ')
    expect(await okOf(subscription.retryParked())).toEqual({ done: 0, failed: 1 })
    expect(subscription.running).toBe(true)
    expect(await okOf(job.subscriptions.parked('s'))).toHaveLength(1)
  })

  test('is refused when it is a wait that no timer can take', async () => {
    const job = await withJournal()
    const projection = defineProjection({ ...countOfEvents, name: 'other' })
    for (const retry of [{ delayMs: 2 ** 31 }, { maxDelayMs: 2 ** 31 }]) {
      expect((await errorOf(job.subscription('s', () => {}, { retry }))).code).toBe('ERR_OPTION')
      expect((await errorOf(job.projection(projection, { retry }))).code).toBe('ERR_OPTION')
      expect(await errorOf(retryOnConflict(() => job.flush(), retry))).toMatchObject({ code: 'ERR_OPTION' })
    }
    const longest = { delayMs: 2 ** 31 - 1, maxDelayMs: 2 ** 31 - 1 }
    await okOf(job.subscription('s', () => {}, { retry: longest }))
    await okOf(retryOnConflict(() => job.flush(), longest))
  })

  test('is refused when it is no name', async () => {
    const { subscriptions } = await withJournal()
    for (const wrong of [undefined, null, 1, 1n, '', '\ud800', {}, Symbol('s')]) {
      expect((await errorOf(subscriptions.parked(forbidden(wrong)))).code).toBe('ERR_OPTION')
      expect((await errorOf(subscriptions.forget(forbidden(wrong)))).code).toBe('ERR_OPTION')
      expect((await errorOf(subscriptions.moveTo(forbidden(wrong), 'now'))).code).toBe('ERR_OPTION')
    }
    expect(await okOf(subscriptions.forget('projection/none'))).toBe(false)
  })
})
