/** Owns the torture by arguments: every call of a job with values it does not take, in any place. */
import type { Result } from 'neverthrow'
import { type Job, key, Persistency, PersistencyError, rawKey, type TxOp } from 'persistency'
import { check, checkEqual } from '../lib/checks.mjs'
import { hostileValue } from '../lib/hostile-value.js'
import type { Random } from '../lib/random.js'
import type { Scenario } from '../lib/scenario.js'
import { settles } from '../lib/settles.js'

const CASES = 1000
const METHODS = [
  ...[
    'persist',
    'persistPut',
    'persistDelete',
    'persistDeletePrefix',
    'persistEncoded',
    'persistAcked',
    'flush'
  ],
  ...['get', 'getMany', 'exists', 'count', 'deleteAcked', 'scan', 'scanPrefix']
] as const
const SENTINEL = key('sentinel')
/** Nothing hostile writes to it: its name is in no pool. */
const KEPT = 'kept category'

export const hostileCalls: Scenario = {
  name: 'hostile-calls',
  promise: 'arguments of any kind are answered with a value or an error: no throw, no rejection, no harm',
  rounds: { short: 1, long: 200 },
  async round({ index, random, count }) {
    const owner = Persistency.open(':memory:')._unsafeUnwrap()
    try {
      const job = (await owner.openJob('tenant'))._unsafeUnwrap()
      ;(await job.persistPut(KEPT, SENTINEL, new Uint8Array([7])))._unsafeUnwrap()
      for (let left = CASES; left > 0; left -= 20) {
        await Promise.all(Array.from({ length: 20 }, () => call(owner, job, random)))
      }
      // What was accepted among all that is told by the next flush, if it failed.
      await job.flush()
      if (index === 0) await tooLarge(job)
      checkEqual([...((await job.get(KEPT, SENTINEL))._unsafeUnwrap() ?? [])], [7], 'a row that was there')
      checkEqual(Object.keys(Object.prototype), [], 'what every object inherits')
      checkEqual(job.queued, { bytes: 0, ops: 0 }, 'the queue')
      count('calls', CASES)
    } finally {
      await owner.close()
    }
  }
}

/** Beyond what SQLite or a frame can hold. */
async function tooLarge(job: Job): Promise<void> {
  const [most, more] = [new Uint8Array(536_000_000), new Uint8Array(1_000_000_000)]
  const largeKey = rawKey(more)
  const put = (payload: Uint8Array): TxOp => ({ kind: 'put', category: 'c', key: key(), payload })
  const codes = [
    await job.persistPut('c', key(), more),
    await job.persist([put(new Uint8Array(1)), put(more)]),
    await job.persistAcked([put(most), put(most)]),
    await job.persist(Array.from({ length: 6 }, () => put(most))),
    await job.get('c', largeKey),
    await job.persistDelete('c', largeKey),
    await job.persistDeletePrefix('c', largeKey),
    await job.scanPrefix('c', largeKey)
  ].map((answer) => (answer.isErr() ? answer.error.code : 'ok'))
  const expected = [
    'ERR_PAYLOAD',
    'ERR_PAYLOAD',
    'ERR_OP',
    'ERR_OP',
    'ERR_KEY',
    'ERR_KEY',
    'ERR_KEY',
    'ERR_KEY'
  ]
  checkEqual(codes, expected, 'what is too large')
  checkEqual(job.queued, { bytes: 0, ops: 0 }, 'the queue after what is too large')
}

async function call(owner: Persistency, job: Job, random: Random): Promise<void> {
  const method = random.pick(METHODS)
  const byId = random.chance(0.2)
  const args = Array.from({ length: random.integer(0, 4) }, () => argument(random))
  const what = `${method} with ${args.map((arg) => typeof arg).join(', ')}`
  const target = (byId ? owner : job) as unknown as Record<
    string,
    (...all: unknown[]) => PromiseLike<unknown>
  >
  let answer: PromiseLike<unknown> | undefined
  try {
    answer = target[method]?.(
      ...(byId ? [random.chance(0.7) ? 'tenant' : hostileValue(random)] : []),
      ...args
    )
  } catch (thrown) {
    throw new Error(`${what} threw`, { cause: thrown })
  }
  const result = (await settles(what, answer as PromiseLike<unknown>, 20_000)) as Result<unknown, unknown>
  if (result.isOk()) return
  const { error } = result
  check(error instanceof PersistencyError, `${what} came to ${String(error)}`)
  const expected = ['invalidArgument', 'jobNotFound', 'aborted', 'timeout'].includes(error.kind)
  // A put of nonsense is refused when it is made; what reaches the storage must be sound.
  check(expected || error.code === 'ERR_WRITES_LOST', `${what} came to ${String(error)}`)
}

/** Something of the right type as often as not, so that the checks behind the first are reached. */
function argument(random: Random): unknown {
  const name = random.pick(['timeoutMs', 'signal', 'reverse', 'limit', 'durable', '__proto__', 'then'])
  const options = random.chance(0.5) ? { timeoutMs: 10_000 } : { limit: 3, [name]: hostileValue(random) }
  const sound = (): unknown =>
    random.pick<unknown>(['c', key(1), [key(1), key(2)], new Uint8Array(3), options])
  if (random.chance(0.5)) return sound()
  if (random.chance(0.3)) return { kind: random.pick(['put', 'delete', 'deletePrefix']), ...parts(random) }
  return hostileValue(random)
}

function parts(random: Random): object {
  const value = (sound: unknown): unknown => (random.chance(0.7) ? sound : hostileValue(random))
  return {
    category: value('c'),
    key: value(key(1)),
    prefix: value(key(2)),
    payload: value(new Uint8Array(2))
  }
}
