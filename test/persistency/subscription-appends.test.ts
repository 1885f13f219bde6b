import { describe, expect, test } from '@jest/globals'
import { errAsync, okAsync } from 'neverthrow'
import { type HandlerAnswer, type Job, key, type RecordedEvent, type TxOp } from 'persistency'
import { journalOf, ownEvents } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf, textOf, utf8 } from '../support/storage-results.js'

const { open } = useStorage()
const place = (job: Job, ...orders: string[]) =>
  okOf(job.append(orders.map((order) => ({ type: 'placed', data: utf8(order) }))))
const put = (name: string): TxOp => ({ kind: 'put', category: 'c', key: key(name), payload: utf8('x') })
const namesOf = async (job: Job): Promise<string[]> =>
  ownEvents(await journalOf(job)).map(
    ({ type, data, stream, streamSeq }) => `${type} ${textOf(data)}${stream ? ` ${stream}@${streamSeq}` : ''}`
  )

describe('a handler that answers with events', () => {
  test('has them appended together with its operations and the checkpoint', async () => {
    const { job } = await open({ journal: true })
    await place(job, 'lamp', 'rug')
    const bill = ({ data, seq }: RecordedEvent): HandlerAnswer =>
      okAsync({
        ops: put(`bill ${seq}`),
        append: {
          events: { type: 'billed', data },
          stream: 'bills',
          expectedSeq: seq - 1,
          metadata: { causationId: String(seq) }
        }
      })
    const subscription = await okOf(job.subscription('bill', bill, { types: ['placed'] }))
    await okOf(subscription.caughtUp())
    expect(await namesOf(job)).toEqual([
      'placed lamp',
      'placed rug',
      'billed lamp bills@1',
      'billed rug bills@2'
    ])
    const [, , first] = ownEvents(await journalOf(job))
    expect(first?.metadata).toEqual({ causationId: '1' })
    expect(await okOf(job.count('c', key()))).toBe(2)
  })

  test('has all of a batch appended, each with the bytes of its call', async () => {
    const { job } = await open({ journal: true })
    await place(job, 'a', 'b', 'c')
    const scratch = new Uint8Array(1)
    const handler = ({ data }: RecordedEvent) => {
      scratch.set(data)
      const event = { type: 'seen', data: scratch }
      return { append: [{ events: [event] }, { events: event, stream: 's' }] }
    }
    await okOf((await okOf(job.subscription('s', handler, { types: ['placed'], batch: 10 }))).caughtUp())
    expect((await namesOf(job)).slice(3)).toEqual(
      ['a', 'b', 'c'].flatMap((name, n) => [`seen ${name}`, `seen ${name} s@${n + 1}`])
    )
  })

  test('is told that the answer of what it called was taken for its own', async () => {
    const { job } = await open({ journal: true })
    const other = await okOf((await open({ journal: true })).job.append({ type: 'first' }))
    await place(job, 'lamp', 'rug', 'vase')
    const answers = [other, { append: {} }, { append: { events: [] } }]
    const handler = ({ seq }: RecordedEvent) => answers[seq - 1] as HandlerAnswer
    const options = { onPoison: 'park', retry: { attempts: 1 } } as const
    await okOf((await okOf(job.subscription('s', handler, options))).caughtUp())
    expect((await okOf(job.subscriptions.parked('s'))).map(({ error }) => error)).toEqual([
      'the answer of the handler: the kind of an operation must be "put", "delete", "deletePrefix" or "check"; got undefined',
      'the answer of the handler: an event must be an object with a type; got undefined',
      'the answer of the handler: there is no event to append'
    ])
  })

  test('fails on an event whose answer cannot be appended, and leaves no trace of it', async () => {
    const { job } = await open({ journal: true })
    await place(job, 'taken', 'free', 'wrong', 'refused', 'misspelled')
    await okOf(job.append({ type: 'named' }, { stream: 'taken' }))
    const handler = ({ data }: RecordedEvent): HandlerAnswer => {
      const stream = textOf(data) as string
      if (stream === 'refused') return errAsync('no')
      const wrong = stream === 'wrong' ? [] : { type: 'named', payload: data }
      const events = ['wrong', 'misspelled'].includes(stream) ? wrong : { type: 'named' }
      return { ops: [put(stream)], append: { events, stream, expectedSeq: 'none' } }
    }
    const options = { types: ['placed'], batch: 10, onPoison: 'park', retry: { attempts: 1 } } as const
    const subscription = await okOf(job.subscription('name', handler, options))
    await okOf(subscription.caughtUp())
    const parked = await okOf(job.subscriptions.parked('name'))
    expect(parked.map(({ event }) => event.seq)).toEqual([1, 3, 4, 5])
    expect(await okOf(job.count('c', key()))).toBe(1)
    expect((await namesOf(job)).slice(5)).toEqual(['named  taken@1', 'named  free@1'])
  })

  test('fails on an event whose answer has a field that nobody knows', async () => {
    const { job } = await open({ journal: true })
    await place(job, 'lamp')
    const handler = () => ({ ops: put('lamp'), appends: { events: { type: 'billed' } } })
    const subscription = await okOf(job.subscription('s', handler, { retry: { attempts: 1 } }))
    const end = await subscription.ended
    expect(end._unsafeUnwrapErr()).toMatchObject({
      code: 'ERR_HANDLER_FAILED',
      cause: { code: 'ERR_OPTION' }
    })
    expect(end._unsafeUnwrapErr().message).toContain('"appends"')
    expect(await namesOf(job)).toEqual(['placed lamp'])
    expect(await okOf(job.count('c', key()))).toBe(0)
    expect(await okOf(job.subscriptions.list())).toMatchObject([{ name: 's', seq: 0 }])
  })

  test('has those of a parked event appended when it is tried again', async () => {
    const { job } = await open({ journal: true })
    await place(job, 'a')
    let broken = true
    const handler = ({ data }: RecordedEvent) => {
      if (broken) throw new Error('broken')
      return { append: { events: { type: 'done', data } } }
    }
    const options = { types: ['placed'], onPoison: 'park', retry: { attempts: 1 } } as const
    const subscription = await okOf(job.subscription('s', handler, options))
    await okOf(subscription.caughtUp())
    broken = false
    expect(await okOf(subscription.retryParked())).toEqual({ done: 1, failed: 0 })
    expect(await namesOf(job)).toEqual(['placed a', 'done a'])
    expect(await okOf(job.subscriptions.parked('s'))).toEqual([])
  })
})
