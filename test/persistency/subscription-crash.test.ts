import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { journalOf, ownEvents } from '../support/journal.js'
import { startProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf, textOf } from '../support/storage-results.js'

const { open, owner, folder } = useStorage()

const ROUNDS = 3

/**
 * Appends events and counts them, in a read model of the same file and in a log of calls beside it, until it is killed.
 */
const COUNTING = `
  const { key, Persistency, defineProjection, jsonEvents } = persistency
  const job = (await Persistency.open(root)._unsafeUnwrap().openJob('tenant', { journal: true }))._unsafeUnwrap()
  const counted = async () => Number(new TextDecoder().decode((await job.get('counts', key('n')))._unsafeUnwrap()) || 0)
  let handled = 0
  await job.subscription('count', async ({ seq }) => {
    handled++
    if (handled % 50 === 0) console.log('handled', handled)
    return [
      { kind: 'put', category: 'counts', key: key('n'), payload: new TextEncoder().encode(String(await counted() + 1)) },
      { kind: 'check', category: 'seen', key: key(seq) },
      { kind: 'put', category: 'seen', key: key(seq), payload: new Uint8Array(0) }
    ]
  })
  const total = defineProjection({
    name: 'total', version: 1, events: jsonEvents(), initial: () => 0, apply: (sum, { data }) => sum + data
  })
  await job.projection(total)
  const one = jsonEvents().encode({ type: 'one', data: 1 })
  for (;;) {
    await job.append(Array.from({ length: 5 }, () => one))
    await new Promise((resolve) => setImmediate(resolve))
  }`

test(`a process that is killed ${ROUNDS} times loses no event and counts none twice`, async () => {
  const root = folder()
  for (let round = 0; round < ROUNDS; round++) {
    const program = startProgram(root, COUNTING)
    await program.printed(`handled ${50 + round * 50}`)
    program.kill('SIGKILL')
    expect((await program.ended).signal).toBe('SIGKILL')
  }
  const { job } = await open({}, root)
  let events = 0
  for await (const { kind } of job.events()) if (kind === 'event') events++
  const before = (await okOf(job.subscriptions.list())).map(({ name }) => name)
  expect(before).toEqual(['count', 'projection/total'])

  const counts = async () => Number(textOf(await okOf(job.get('counts', key('n')))))
  const counted = await counts()
  let left = 0
  const rest = await okOf(job.subscription('count', () => void left++, { batch: 100 }))
  await okOf(rest.caughtUp())
  expect(counted).toBeGreaterThan(ROUNDS * 50)
  expect(counted + left).toBe(events)
  expect(await okOf(job.compareWithJournal())).toMatchObject({ differing: 0 })
}, 60_000)

/** Hands what is appended to one job over to another, without end. The key of each is made of what is handed over. */
const HANDING_OVER = `
  const { Persistency } = persistency
  const owner = Persistency.open(root)._unsafeUnwrap()
  const shop = (await owner.openJob('shop', { journal: true }))._unsafeUnwrap()
  const dispatch = (await owner.openJob('dispatch', { journal: true }))._unsafeUnwrap()
  let handed = 0
  await shop.subscription('outbox', ({ type, seq }, { subscription }) =>
    dispatch.append({ type, metadata: { order: String(seq) } }, { idempotencyKey: subscription + ':' + seq }).map(() => {
      if (++handed % 25 === 0) console.log('handed over', handed + '.')
    })
  )
  for (;;) {
    await shop.append([{ type: 'order' }, { type: 'order' }])
    await new Promise((resolve) => setImmediate(resolve))
  }`

test(`an outbox whose process is killed ${ROUNDS} times hands each event over once`, async () => {
  const root = folder()
  for (let round = 0; round < ROUNDS; round++) {
    const program = startProgram(root, HANDING_OVER)
    await program.printed(`handed over ${25 + round * 25}.`)
    program.kill('SIGKILL')
    expect((await program.ended).signal).toBe('SIGKILL')
  }
  const persistency = owner(root)
  const shop = await okOf(persistency.openJob('shop'))
  const dispatch = await okOf(persistency.openJob('dispatch'))
  const rest = await okOf(
    shop.subscription('outbox', ({ type, seq }, { subscription }) =>
      dispatch
        .append({ type, metadata: { order: String(seq) } }, { idempotencyKey: `${subscription}:${seq}` })
        .map(() => undefined)
    )
  )
  await okOf(rest.caughtUp())
  const orders = ownEvents(await journalOf(shop)).map(({ seq }) => String(seq))
  expect(orders.length).toBeGreaterThan(ROUNDS * 25)
  expect(ownEvents(await journalOf(dispatch)).map(({ metadata }) => metadata['order'])).toEqual(orders)
}, 60_000)
