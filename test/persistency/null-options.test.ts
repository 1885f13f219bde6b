import { expect, test } from '@jest/globals'
import {
  defineDecider,
  defineProjection,
  handleCommand,
  int64,
  jsonEvents,
  key,
  loadState,
  Persistency,
  type PersistencyError,
  retryOnConflict
} from 'persistency'
import { describeOnce, useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const { owner, folder } = useStorage()

/** Passes what the types forbid. */
const none = null as never
const k = key(1)

const events = jsonEvents<{ type: 'noted' }>('noted')
const parts = { name: 'notes', version: 1, events, initial: () => 0n, codec: int64 }
const notes = defineProjection({ ...parts, apply: (count) => count + 1n })
const other = defineProjection({ ...parts, name: 'other', apply: (count) => count + 1n })
const decider = defineDecider({ initial: () => 0, evolve: () => 0, decide: () => [], events })

async function firstOf(items: AsyncIterable<unknown>): Promise<PersistencyError> {
  for await (const _ of items) throw new Error('expected an error, got an item')
  throw new Error('expected an error, got the end')
}

describeOnce('options that are null', () => {
  test('are no options, of whatever call', async () => {
    const persistency = owner({ rootDir: folder(), threads: 'none' })
    const job = await okOf(persistency.openJob('tenant', { journal: true }))
    const subscription = await okOf(job.subscription('s', () => {}))
    const projection = await okOf(job.projection(notes))
    const past = job.at(0)
    const answers = {
      openJob: persistency.openJob('another', none),
      openJobOfOne: persistency.openJob('tenant', none),
      restore: persistency.restore('another', '/nowhere', none),
      verifyFile: Persistency.verifyFile('/nowhere', none),
      persistAcked: job.persistAcked([], none),
      putAcked: job.putAcked('c', k, new Uint8Array(0), none),
      flush: job.flush(none),
      get: job.get('c', k, none),
      getDecoded: job.getDecoded('c', k, int64, none),
      getMany: job.getMany('c', [k], none),
      exists: job.exists('c', k, none),
      count: job.count('c', k, none),
      deleteAcked: job.deleteAcked('c', k, none),
      scan: job.scan('c', k, none),
      scanPrefix: job.scanPrefix('c', k, none),
      append: job.append({ type: 'noted' }, none),
      streamSeq: job.streamSeq('s', none),
      findAppend: job.findAppend('key', none),
      journalStatus: job.journalStatus(none),
      compareWithJournal: job.compareWithJournal(none),
      rebuild: job.rebuild(none),
      backup: job.backup('/nowhere/backup', none),
      verify: job.verify(none),
      stats: job.stats(none),
      compact: job.compact(none),
      subscription: job.subscription('another', () => {}, none),
      projection: job.projection(other, none),
      getOfPast: past.get('c', k, none),
      getManyOfPast: past.getMany('c', [k], none),
      existsInPast: past.exists('c', k, none),
      countOfPast: past.count('c', k, none),
      scanOfPast: past.scan('c', k, none),
      scanPrefixOfPast: past.scanPrefix('c', k, none),
      caughtUp: subscription.caughtUp(none),
      getOfProjection: projection.get(k, none),
      state: projection.state(none),
      scanOfProjection: projection.scan(k, none),
      caughtUpOfProjection: projection.caughtUp(none),
      rebuildOfProjection: projection.rebuild(none),
      retryOnConflict: retryOnConflict(() => job.flush(), none),
      loadState: loadState(job, decider, 's', none),
      handleCommand: handleCommand(job, decider, 's', undefined, none)
    }
    for (const [call, answer] of Object.entries(answers)) {
      const { code, message } = await errorOf(answer)
      expect([call, code, message]).toEqual([call, 'ERR_OPTION', 'options must be an object; got null'])
    }
    const iterables = {
      stream: job.stream('c', k, none),
      events: job.events(none),
      watch: job.watch('c', k, none),
      streamOfPast: past.stream('c', k, none)
    }
    for (const [call, items] of Object.entries(iterables)) {
      expect([call, await firstOf(items).catch((thrown) => thrown)]).toEqual([
        call,
        expect.objectContaining({ code: 'ERR_OPTION' })
      ])
    }
  })
})
