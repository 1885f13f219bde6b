import { expect, test } from '@jest/globals'
import {
  BrokerError,
  EventBroker,
  key,
  PersistCommitted,
  PersistEvent,
  PersistFailed,
  type PersistFailedPayload
} from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

test.each(['noProvider', 'notSendable'] as const)(
  'a listener that throws a BrokerError of kind %s says nothing of the write',
  async (kind) => {
    const { job } = await storage.open()
    const events = new EventBroker().in(job.context)
    const failed: PersistFailedPayload[] = []
    let committed = 0
    events.listen(PersistFailed, (failure) => void failed.push(failure))
    events.listen(PersistCommitted, ({ writes }) => {
      committed += writes
    })
    const watching = events.listenerErrors.subscribe(() => {})
    events.listen(PersistEvent, () => {
      throw new BrokerError(kind, 'of the application')
    })
    const put = (n: number) => ({ kind: 'put', category: 'c', key: key(n), payload: utf8('x') }) as const
    await okOf(job.persistAcked(put(1)))
    await okOf(job.persist(put(2)))
    await okOf(job.flush())
    watching.unsubscribe()
    expect(failed).toEqual([])
    expect(committed).toBe(2)
    expect(await okOf(job.count('c', key()))).toBe(2)
  }
)
