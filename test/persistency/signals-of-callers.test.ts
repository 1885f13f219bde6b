import { expect, test } from '@jest/globals'
import { type Job, key } from 'persistency'
import { clinging, deaf, NO_SIGNALS, silent } from '../support/odd-signals.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

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

const CALLS: Record<string, (job: Job, signal: AbortSignal) => ReturnType<Job['flush']>> = {
  get: (job, signal) => job.get('c', key(1), { signal }).map(() => undefined),
  scan: (job, signal) => job.scan('c', key(), { signal }).map(() => undefined),
  flush: (job, signal) => job.flush({ signal }),
  deleteAcked: (job, signal) => job.deleteAcked('c', key(1), { signal }).map(() => undefined),
  persistAcked: (job, signal) =>
    job
      .persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }, { signal })
      .map(() => undefined)
}

test.each(Object.keys(CALLS))(
  'what is no signal is refused, and one that throws stops nothing: %s',
  async (name) => {
    const { job } = await storage.open()
    const call = (signal: AbortSignal) => (CALLS[name] as (typeof CALLS)[string])(job, signal)
    for (const signal of Object.values(NO_SIGNALS))
      expect((await errorOf(call(signal))).code).toBe('ERR_OPTION')
    await okOf(call(clinging))
    expect((await errorOf(call(deaf))).code).toBe('ERR_ABORTED')
    expect((await errorOf(call(silent))).code).toBe('ERR_ABORTED')
  }
)

async function next(items: AsyncIterable<unknown>): Promise<string> {
  try {
    for await (const _ of items) return 'an item'
    return 'the end'
  } catch {
    return 'aborted'
  }
}
