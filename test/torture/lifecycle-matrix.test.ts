import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import {
  defineProjection,
  defineTable,
  EventBroker,
  int64,
  Job,
  JobFailed,
  jsonEvents,
  key,
  Persistency,
  PersistencyError,
  rest
} from 'persistency'
import { HAS_THREADS, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWorkers } from '../support/storage-process.js'
import { type Answer, okOf } from '../support/storage-results.js'
import { ID_STATES, JOB_CALLS, JOB_STATES, PERSISTENCY_CALLS } from './lib/lifecycle-table.mjs'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()

const put = { kind: 'put', category: 'c', key: key(1), payload: new Uint8Array(3) } as const
const ID = 'tenant'

const nothing = (): void => {}

const NOTES = defineProjection({
  name: 'notes',
  version: 1,
  events: jsonEvents<{ type: 'noted'; data: undefined }>('noted'),
  initial: () => 0,
  apply: (count: number) => count + 1
})

const ROWS = defineTable('c', { key: int64, value: rest })

/** A path where nothing is, in a folder that is removed after the test. */
const nowhere = (): string => join(storage.folder(), 'nowhere')

/** The arguments of each method behind the id, some of them made for each call; a property has none. */
const ARGUMENTS: Readonly<Record<string, readonly unknown[] | (() => readonly unknown[])>> = {
  persist: [put],
  persistPut: ['c', key(1), put.payload],
  persistDelete: ['c', key(1)],
  persistDeletePrefix: ['c', key(1)],
  persistEncoded: ['c', key(1), 'value'],
  persistAcked: [put],
  putAcked: ['c', key(1), put.payload],
  flush: [],
  get: ['c', key(1)],
  getDecoded: ['c', key(1), rest],
  getMany: ['c', [key(1)]],
  exists: ['c', key(1)],
  count: ['c', key()],
  deleteAcked: ['c', key(1)],
  scan: ['c', key()],
  scanPrefix: ['c', key()],
  stream: ['c', key()],
  table: [ROWS],
  append: [{ type: 'noted' }],
  streamSeq: ['stream'],
  findAppend: ['key'],
  events: [],
  at: [0],
  journalStatus: [],
  compareWithJournal: [],
  rebuild: [],
  subscription: ['name', nothing],
  projection: [NOTES],
  watch: ['c', key(), { initial: true }],
  backup: () => [nowhere()],
  restore: () => [nowhere()],
  verify: [],
  stats: [],
  compact: [],
  close: []
}

/** A persistency with an id in some state, the job of that id if there is a handle, and how to let go of what waits. */
interface Scene {
  readonly persistency: Persistency
  readonly job: Job | undefined
  /** The job that an opening under way will give. */
  readonly opening?: Promise<Job>
  release(): void
}

async function opened(): Promise<Scene & { job: Job }> {
  const { persistency, job } = await storage.open({ busyTimeoutMs: 5000, journal: true })
  return { persistency, job, release: nothing }
}

/** A closing cannot go on while somebody else has the lock that its last write waits for; it gives up in the end. */
async function stuck(end: (scene: Scene) => unknown): Promise<Scene & { job: Job }> {
  const scene = await opened()
  await okOf(scene.job.persistAcked(put))
  const lock = holdLock(join(scene.persistency.rootDir, `${ID}.db`))
  void scene.job.persist(put)
  void end(scene)
  return { ...scene, release: () => lock.release() }
}

const SCENES: Record<(typeof ID_STATES)[number], () => Promise<Scene>> = {
  'before open': async () => ({ persistency: storage.owner(), job: undefined, release: nothing }),
  async opening() {
    const persistency = storage.owner()
    const opening = okOf(persistency.openJob(ID))
    return { persistency, job: undefined, opening, release: nothing }
  },
  open: opened,
  closing: () => stuck(({ persistency }) => persistency.closeJob(ID)),
  async closed() {
    const scene = await opened()
    await okOf(scene.job.close())
    return scene
  },
  async failed() {
    const scene = await opened()
    const gone = new Promise((resolve) => {
      new EventBroker(undefined, scene.job.context).listen(JobFailed, resolve)
    })
    await workers.killLast()
    await gone
    return scene
  },
  'owner closing': () => stuck(({ persistency }) => persistency.close()),
  async 'owner closed'() {
    const scene = await opened()
    await okOf(scene.persistency.close())
    return scene
  }
}

/** What a call came to, in the words of the table. */
async function answerOf(made: unknown): Promise<string> {
  if (typeof made === 'boolean') return String(made)
  if (isIterable(made)) {
    try {
      const iterator = made[Symbol.asyncIterator]()
      await iterator.next()
      await iterator.return?.()
      return 'ok'
    } catch (thrown) {
      return thrown instanceof PersistencyError ? thrown.code : `threw ${String(thrown)}`
    }
  }
  const result = (await (made as Answer<unknown, { code: string }> | Promise<undefined>)) ?? undefined
  if (result === undefined || !('isErr' in result)) return 'ok'
  return result.isErr() ? result.error.code : 'ok'
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  // The answers of other calls can be iterated as well, besides being awaited.
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && !('then' in value)
}

function invoke(target: object, name: string, id: readonly string[]): unknown {
  const methods = target as Record<string, (...args: unknown[]) => unknown>
  const args = ARGUMENTS[name] ?? []
  return methods[name]?.(...id, ...(typeof args === 'function' ? args() : args))
}

function callJob(job: Job, name: string): unknown {
  if (name === 'running') return job.running
  if (name === 'subscriptions') return Promise.resolve(job.subscriptions).then(() => undefined)
  if (name === 'queued') return Promise.resolve(job.queued).then(() => undefined)
  return name === 'await using' ? job[Symbol.asyncDispose]() : invoke(job, name, [])
}

function callPersistency(scene: Scene, name: string): unknown {
  const { persistency } = scene
  if (name === 'openJob') return openedBy(scene)
  if (name === 'jobs') return persistency.jobs.has(ID)
  if (name === 'close') return persistency.close()
  if (name === 'await using') return persistency[Symbol.asyncDispose]()
  return invoke(persistency, name, [ID])
}

/** `same job` as there is, or as another opening gives; `new job`; or the code of the error. */
async function openedBy({ persistency, job, opening }: Scene): Promise<unknown> {
  const result = await persistency.openJob(ID)
  if (result.isErr()) return result
  const there = job ?? (await opening)
  // A word of the table travels as the code of an answer.
  return { isErr: () => true, error: { code: result.value === there ? 'same job' : 'new job' } }
}

/** Calls that leave the state as it is, and calls that end it: each of these needs a scene of its own. */
const ENDING_JOB = ['close', 'await using']
const ENDING_ID = ['openJob', 'closeJob', 'dropJob', 'close', 'await using']

type Calls = Readonly<Record<string, readonly string[]>>

async function answersIn(
  make: () => Promise<Scene>,
  table: Calls,
  ending: readonly string[],
  call: (scene: Scene, name: string) => unknown
): Promise<Record<string, string>> {
  const staying = Object.keys(table).filter((name) => !ending.includes(name))
  const scene = await make()
  // All at once: an opening does not stay under way for long.
  const made = staying.map((name): [string, Promise<string>] => [name, answerOf(call(scene, name))])
  const seen: Record<string, string> = {}
  for (const [name, answer] of made) seen[name] = await answer
  scene.release()
  await scene.opening
  for (const name of ending) {
    const own = await make()
    const answer = answerOf(call(own, name))
    own.release()
    seen[name] = await answer
    await own.opening
  }
  return seen
}

const columnOf = (table: Calls, column: number): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(table).map(([name, answers]) => [name, answers[column]]))

/** A storage fails when its thread dies; without a thread it does not. */
const reachable = ([state]: readonly [string, number]): boolean => HAS_THREADS || state !== 'failed'

test.each(JOB_STATES.map((state, column) => [state, column] as const).filter(reachable))(
  'a job that is %s answers each call as documented',
  async (state, column) => {
    const seen = await answersIn(SCENES[state], JOB_CALLS, ENDING_JOB, ({ job }, name) =>
      callJob(job as Job, name)
    )
    expect(seen).toEqual(columnOf(JOB_CALLS, column))
  }
)

test.each(ID_STATES.map((state, column) => [state, column] as const).filter(reachable))(
  'a persistency answers each call as documented for an id that is: %s',
  async (state, column) => {
    const seen = await answersIn(SCENES[state], PERSISTENCY_CALLS, ENDING_ID, callPersistency)
    expect(seen).toEqual(columnOf(PERSISTENCY_CALLS, column))
  }
)

describe('the table has a row', () => {
  const INTERNAL = ['constructor', 'id', 'hub', 'context', 'options', 'rootDir']
  const membersOf = (prototype: object): string[] =>
    Object.getOwnPropertyNames(prototype).filter((name) => !INTERNAL.includes(name))

  test('for every method of a job', () => {
    expect(membersOf(Job.prototype).filter((name) => !(name in JOB_CALLS))).toEqual([])
  })

  test('for every method of a persistency', () => {
    const byId = Object.getPrototypeOf(Persistency.prototype) as object
    const members = [...membersOf(Persistency.prototype), ...membersOf(byId)]
    expect(members.filter((name) => !(name in PERSISTENCY_CALLS))).toEqual([])
  })
})
