import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from '@jest/globals'
import {
  BrokerContext,
  EventBroker,
  type Job,
  key,
  PersistCommitted,
  Persistency,
  type PersistencyOptions
} from 'persistency'
import { okOf } from '../support/storage-results.js'

/** Of the program, and of each tenant: who listens to the events of all of them belongs to none. */
const store = new AsyncLocalStorage<string>()

const THREADS: [string, Pick<PersistencyOptions, 'threads'>][] = [
  ['on threads of their own', {}],
  ['on a shared thread', { threads: { shared: 1 } }],
  ['on the thread of the caller', { threads: 'none' }]
]

test.each(THREADS)(
  'what jobs %s tell of is told in no tenant’s context, whoever opened them',
  async (_, options) => {
    const persistency = Persistency.open({ rootDir: ':memory:', ...options })._unsafeUnwrap()
    const heard: unknown[] = []
    const here = () => [BrokerContext.current.label, store.getStore()]
    const opened = (name: string): Promise<Job> =>
      BrokerContext.create(name).run(() => store.run(name, () => okOf(persistency.openJob(name))))
    const first = await opened('first')
    const second = await opened('second')
    for (const job of [first, second]) {
      new EventBroker(undefined, job.context).listen(PersistCommitted, () => heard.push(job.id, here()))
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('k'), payload: new Uint8Array(1) }))
    }
    await okOf(persistency.close())
    expect(heard).toEqual(['first', ['default', undefined], 'second', ['default', undefined]])
  }
)
