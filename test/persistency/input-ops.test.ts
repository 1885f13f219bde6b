import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { EventBroker, type Job, key, PersistEvent, Persistency, type TxOp } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { type Answer, errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const lasting = useStorage(afterAll)

/** The job of all cases that are refused: nothing is ever stored in it. */
let untouched: Job

beforeAll(async () => {
  untouched = (await lasting.open({}, ':memory:')).job
})

afterEach(() => Persistency.reset())

const any = (value: unknown): never => value as never
const k = key(1)
const put: TxOp = { kind: 'put', category: 'c', key: k, payload: utf8('x') }

/** For the cases that store something. */
const inMemory = async (): Promise<Job> => (await storage.open({}, ':memory:')).job

describe('operations', () => {
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['put', '"put"'],
    [7, 'the number 7'],
    [() => put, 'a function'],
    [{}, 'undefined'],
    [{ ...put, kind: 'upsert' }, '"upsert"'],
    [{ ...put, kind: 'PUT' }, '"PUT"'],
    [{ ...put, kind: 'constructor' }, '"constructor"'],
    [{ ...put, kind: '__proto__' }, '"__proto__"'],
    [{ ...put, kind: 1 }, 'the number 1'],
    [{ ...put, kind: ['put'] }, 'Array']
  ])('%p is none', async (op, names) => {
    for (const call of [untouched.persist(any(op)), untouched.persistAcked(any(op))] as Answer<unknown>[]) {
      const error = await errorOf(call)
      expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_OP' })
      expect(error.message).toContain(names)
    }
    expect(untouched.queued.ops).toBe(0)
  })

  test.each([
    [[put, { ...put, key: 'text' }], 'ERR_KEY', 'operation 1 of 2'],
    [[put, put, { ...put, category: 3 }], 'ERR_CATEGORY', 'operation 2 of 3'],
    [[{ ...put, payload: 'text' }, put], 'ERR_PAYLOAD', 'operation 0 of 2'],
    [[put, undefined], 'ERR_OP', 'operation 1 of 2'],
    [[put, [put]], 'ERR_OP', 'operation 1 of 2'],
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
    [[put, , put], 'ERR_OP', 'operation 1 of 3']
  ])('one bad one in a batch refuses the whole batch: %p', async (batch, code, names) => {
    const error = await errorOf(untouched.persist(any(batch)))
    expect([error.code, error.message.includes(names)]).toEqual([code, true])
    expect(await okOf(untouched.count('c', keyOf()))).toBe(0)
  })

  test('with getters are read once, so that what was checked is what is stored', async () => {
    const job = await inMemory()
    const reads: string[] = []
    const answers: Record<string, unknown[]> = {
      kind: ['put', 'upsert'],
      category: ['c', 7],
      key: [k, 'text'],
      payload: [utf8('first'), 'text']
    }
    const op = new Proxy(
      {},
      {
        get: (_, name) => {
          reads.push(String(name))
          return answers[String(name)]?.shift()
        }
      }
    )
    await okOf(job.persistAcked(any(op)))
    expect(reads.sort()).toEqual(['category', 'key', 'kind', 'payload'])
    expect(textOf(await okOf(job.get('c', k)))).toBe('first')
  })

  test('changed after the call are stored as they were', async () => {
    const job = await inMemory()
    const op = { kind: 'put', category: 'c', key: k, payload: utf8('before') }
    const batch = [op]
    const writing = job.persist(any(batch))
    Object.assign(op, { category: 'd', payload: utf8('after!') })
    batch.push(any('nonsense'))
    await okOf(writing)
    expect(textOf(await okOf(job.get('c', k)))).toBe('before')
    expect(await okOf(job.count('d', keyOf()))).toBe(0)
  })

  test('may inherit their fields', async () => {
    const job = await inMemory()
    await okOf(job.persist(Object.create(put)))
    expect(await okOf(job.exists('c', k))).toBe(true)
  })

  test('carry fields of their own that mean nothing', async () => {
    const job = await inMemory()
    const op = JSON.parse('{"__proto__": {"kind": "deletePrefix"}, "extra": 1}')
    await okOf(job.persistAcked(Object.assign(op, put)))
    expect(await okOf(job.exists('c', k))).toBe(true)
    expect(({} as { kind?: string }).kind).toBeUndefined()
  })

  test('whose getter throws are an error and no exception', async () => {
    const hostile = {
      get kind() {
        throw new Error('no kind')
      }
    }
    expect((await errorOf(untouched.persist(any(hostile)))).code).toBe('ERR_OP')
    expect(untouched.queued.ops).toBe(0)
  })

  test('with a payload that cannot be described are an error and no exception', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect((await errorOf(untouched.persistPut('c', k, any(proxy)))).code).toBe('ERR_PAYLOAD')
  })

  test('take bytes of a Buffer, of a shared buffer and of a part of one', async () => {
    const job = await inMemory()
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7)
    const part = utf8('abcdef').subarray(2, 4)
    for (const [n, payload] of [Buffer.from('pooled'), shared, part].entries()) {
      await okOf(job.persistPut('c', key(n), payload))
    }
    const rows = await okOf(job.scan('c', keyOf()))
    expect(rows.map(({ payload }) => [...payload])).toEqual([[...utf8('pooled')], [7, 7, 7], [...utf8('cd')]])
  })

  test('of keys made by another copy of the package are stored', async () => {
    const job = await inMemory()
    const copy = '../../dist/persistency/keys/keys.js?another-copy'
    const { Key } = (await import(copy)) as typeof import('persistency')
    expect(Key).not.toBe(k.constructor)
    const foreign = Key.of(utf8('foreign'))
    await okOf(job.persistPut('c', foreign, utf8('x')))
    expect(await okOf(job.exists('c', foreign))).toBe(true)
  })
})

describe('options', () => {
  test.each([
    [{ maxQueOps: 5 }, /no option "maxQueOps"; known are .*maxQueueOps/],
    [{ durability: 'extra' }, /"durability" must be "normal" or "full" or "off"; got the string "extra"/],
    [{ maxQueueOps: 0 }, /"maxQueueOps" must be an integer of at least 1; got the number 0/],
    [{ maxQueueOps: 1.5 }, /got the number 1.5/],
    [{ maxQueueOps: Number.NaN }, /got the number NaN/],
    [{ maxQueueOps: Number.POSITIVE_INFINITY }, /got the number Infinity/],
    [{ maxQueueBytes: '1024' }, /"maxQueueBytes".*got the string "1024"/],
    [{ maxQueueBytes: null }, /got null/],
    [{ whenFull: 'drop' }, /"whenFull" must be "wait" or "refuse"/],
    [{ requestTimeoutMs: 0 }, /"requestTimeoutMs" must be a positive number/],
    [{ requestTimeoutMs: -5 }, /got the number -5/],
    [{ busyTimeoutMs: -1 }, /"busyTimeoutMs" must be an integer from 0/],
    [{ busyTimeoutMs: 2 ** 31 }, /got the number 2147483648/],
    [{ openTimeoutMs: Number.NaN }, /"openTimeoutMs"/],
    [7, /options must be an object; got the number 7/],
    ['full', /options must be an object/],
    [JSON.parse('{"__proto__": 1}'), /no option "__proto__"/],
    [{ constructor: 1 }, /no option "constructor"/]
  ])('of a job %j are refused', async (options, names) => {
    const root = storage.folder()
    const persistency = storage.owner(root)
    const errors = [await errorOf(persistency.openJob('tenant', any(options)))]
    if (typeof options === 'object') {
      errors.push(Persistency.open({ rootDir: root, ...(options as object) })._unsafeUnwrapErr())
    }
    for (const error of errors) {
      expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_OPTION' })
      expect(error.message).toMatch(names)
    }
    expect(persistency.hasJob('tenant')).toBe(false)
  })

  test('of a persistency are told all together when a name is unknown', () => {
    const misspelt = any({ rootDir: storage.folder(), thread: 'none' })
    const { code, message } = Persistency.open(misspelt)._unsafeUnwrapErr()
    expect(code).toBe('ERR_OPTION')
    expect(message).toMatch(/"thread"; known are rootDir, hub, threads, .*closeOnSignal, .*durability/)
  })

  test('that are undefined count as not given', async () => {
    const { job } = await storage.open({ maxQueueOps: undefined, durability: undefined } as never, ':memory:')
    expect(job.options).toMatchObject({ maxQueueOps: 100_000, durability: 'normal' })
  })

  test.each([
    [{ limit: -1 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ limit: '5' }, 'limit'],
    [{ reverse: 'yes' }, 'reverse'],
    [{ reverse: 1 }, 'reverse'],
    [{ keysOnly: null }, 'keysOnly'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: '5' }, 'timeoutMs'],
    [{ signal: {} }, 'signal'],
    [{ offset: 3 }, 'offset'],
    [null, 'null']
  ])('of a scan %j are refused', async (options, names) => {
    for (const call of [untouched.scan('c', k, any(options)), untouched.scanPrefix('c', k, any(options))]) {
      const error = await errorOf(call)
      expect(error.code).toBe('ERR_OPTION')
      expect(error.message).toContain(names)
    }
    const rows = untouched.stream('c', k, any(options))[Symbol.asyncIterator]()
    await expect(rows.next()).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })

  test.each([{ timeoutMs: -1 }, { signal: 'stop' }, { limit: 1 }, null])(
    'of other calls %j are refused',
    async (options) => {
      const bad = any(options)
      const calls: Answer<unknown>[] = [
        untouched.get('c', k, bad),
        untouched.getMany('c', [k], bad),
        untouched.exists('c', k, bad),
        untouched.count('c', k, bad),
        untouched.deleteAcked('c', k, bad),
        untouched.persistAcked(put, bad),
        untouched.putAcked('c', k, put.payload, bad),
        untouched.flush(bad)
      ]
      const codes = await Promise.all(calls.map(async (call) => (await errorOf(call)).code))
      expect(codes).toEqual(calls.map(() => 'ERR_OPTION'))
      expect(await okOf(untouched.count('c', keyOf()))).toBe(0)
    }
  )

  test.each([0, -1, 1.5, '5', null])('a page of %p rows is refused', async (pageSize) => {
    const rows = untouched.stream('c', k, { pageSize: any(pageSize) })[Symbol.asyncIterator]()
    await expect(rows.next()).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })

  test('whose getter throws are an error and no exception', async () => {
    const hostile = {
      get maxQueueOps() {
        throw new Error('no number')
      }
    }
    expect((await errorOf(storage.owner().openJob('tenant', any(hostile)))).code).toBe('ERR_OPTION')
  })
})

describe('a root directory', () => {
  test.each([undefined, null, 7, 7n, true, [], {}, { rootDir: 7 }, { rootDir: null }, () => '/tmp'])(
    '%p is refused by open and by instance',
    (rootDir) => {
      expect(Persistency.open(any(rootDir))._unsafeUnwrapErr()).toMatchObject({
        kind: 'invalidArgument',
        code: 'ERR_ROOT_DIR'
      })
      if (rootDir !== undefined) {
        expect(Persistency.instance(any(rootDir))._unsafeUnwrapErr().code).toBe('ERR_ROOT_DIR')
      }
    }
  )

  test('may be a URL of a file, also in options and for the instance', () => {
    const rootDir = storage.folder()
    const url = pathToFileURL(join(rootDir, 'with a blank'))
    const path = join(rootDir, 'with a blank')
    for (const given of [url, { rootDir: url }, { href: url.href, protocol: 'file:' }])
      expect(Persistency.open(any(given))._unsafeUnwrap().rootDir).toBe(path)
    const instance = Persistency.instance(url)._unsafeUnwrap()
    expect(Persistency.instance(path)._unsafeUnwrap()).toBe(instance)
    expect(Persistency.instance(url)._unsafeUnwrap()).toBe(instance)
  })

  test.each([
    ['https://host/data', 'rootDir https://host/data cannot be used: The URL must be of scheme file'],
    ['file:///a%00b', 'rootDir holds a NUL character; got the string "/a\\u0000b"']
  ])('is not the URL %s', (href, message) => {
    const error = Persistency.open(new URL(href))._unsafeUnwrapErr()
    expect(error).toMatchObject({ code: 'ERR_ROOT_DIR', message })
  })

  test.each([null, 7, 'elsewhere'])('%p is not taken for the one of the instance that lives', (rootDir) => {
    Persistency.instance(storage.folder())._unsafeUnwrap()
    expect(Persistency.instance(any(rootDir))._unsafeUnwrapErr().kind).toBe('invalidArgument')
  })

  test('with a hub that is none is refused', () => {
    const error = Persistency.open({ rootDir: storage.folder(), hub: any({}) })._unsafeUnwrapErr()
    expect(error).toMatchObject({ code: 'ERR_OPTION' })
    expect(error.message).toContain('"hub"')
  })
})

test('a bad call among good ones disturbs none of them', async () => {
  const job = await inMemory()
  const seen: number[] = []
  new EventBroker(undefined, job.context).listen(PersistEvent, ({ seq }) => seen.push(seq))
  const answers = await Promise.all([
    job.persist(put),
    job.persist(any('nonsense')),
    job.persistPut('c', any(null), utf8('x')),
    job.persist({ ...put, key: key(2) })
  ])
  expect(answers.map((answer) => answer.isOk())).toEqual([true, false, false, true])
  expect(seen).toEqual([1, 2])
  expect(await okOf(job.count('c', keyOf()))).toBe(2)
})

describe('bytes and keys that are not what they say', () => {
  class Flipping extends Uint8Array {
    #reads = 0
    override get length(): number {
      return this.#reads++ % 2 === 0 ? 3 : 43
    }
  }

  test('a payload is the bytes it has, and hurts nobody', async () => {
    const job = await inMemory()
    const secret = job.persistAcked({ ...put, key: key('other'), payload: utf8('secret'.repeat(50)) })
    await okOf(job.persistPut('c', k, new Flipping([1, 2])))
    await okOf(job.persistAcked([{ kind: 'check', category: 'c', key: k, equals: new Flipping([1, 2]) }]))
    await okOf(secret)
    expect(await okOf(job.get('c', k))).toEqual(Uint8Array.of(1, 2))
    await okOf(job.persistPut('c', keyOf(1), new Flipping(0)))
    expect(key(new Flipping([1, 2]))).toEqual(key(Uint8Array.of(1, 2)))
  })

  test('a key that looks like one of ours is read once', async () => {
    const job = await inMemory()
    let reads = 0
    const look = {
      [Symbol.for('persistency.Key')]: true,
      get bytes() {
        if (++reads > 1) throw new Error('read again')
        return Uint8Array.of(1, 2, 3)
      }
    }
    for (const call of [
      () => job.persistPut('c', any(look), utf8('x')),
      () => job.get('c', any(look)),
      () => job.getMany('c', [any(look)]),
      () => job.scanPrefix('c', any(look)),
      () => job.count('c', { start: any(look) }),
      () => job.persistDeletePrefix('c', any(look)),
      () => job.persistAcked({ kind: 'delete', category: 'c', key: any(look) })
    ]) {
      reads = 0
      await okOf(call() as Answer<unknown>)
      expect(reads).toBe(1)
    }
  })
})
