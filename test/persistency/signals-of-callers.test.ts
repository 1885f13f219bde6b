import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

test('one signal may stop any number of calls, readers and watchers, and is no leak', async () => {
  const warnings: string[] = []
  const onWarning = ({ name }: Error): void => void warnings.push(name)
  process.on('warning', onWarning)
  const { job } = await storage.open({ journal: true })
  const controller = new AbortController()
  const { signal } = controller
  const waiting = Array.from({ length: 15 }, (_, n) => [
    job.persistAcked({ kind: 'put', category: 'c', key: key(n), payload: utf8('x') }, { signal }),
    next(job.events({ live: true, from: 1000, signal })),
    next(job.watch('other', key(), { signal })),
    job.subscription(`s${n}`, () => {}, { signal })
  ])
  await okOf(job.flush())
  controller.abort()
  await Promise.all(waiting.flat())
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', onWarning)
  expect(warnings).not.toContain('MaxListenersExceededWarning')
})

async function next(items: AsyncIterable<unknown>): Promise<string> {
  try {
    for await (const _ of items) return 'an item'
    return 'the end'
  } catch {
    return 'aborted'
  }
}
