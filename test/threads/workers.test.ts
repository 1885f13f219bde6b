import { describe, expect, it } from '@jest/globals'
import { FILES, PRELUDE } from '../shared/worker-modules.js'
import { fastClock } from '../support/fast-clock.js'
import { runScript } from '../support/run-script.js'

const run = (body: string) => runScript(PRELUDE + body, FILES)

describe('starting a worker', () => {
  it.each([
    [
      'is missing',
      './missing.mjs',
      {
        kind: 'startFailed',
        message: expect.stringMatching(
          '^the worker module .*missing.mjs could not be loaded: Cannot find module'
        ),
        cause: { message: expect.stringContaining('missing.mjs') }
      }
    ],
    ['throws', './broken.mjs', { kind: 'startFailed', cause: { message: 'broken module' } }],
    [
      'serves nothing',
      './idle.mjs',
      {
        kind: 'startFailed',
        message: expect.stringContaining('ended with code 0 before it called serveBrokers()')
      }
    ],
    [
      'ends the thread',
      './exits.mjs',
      {
        kind: 'startFailed',
        message: expect.stringContaining('ended with code 1 before it called serveBrokers()')
      }
    ],
    [
      'is in a language that Node.js does not know',
      './worker.xyz',
      {
        kind: 'startFailed',
        message: expect.stringMatching('Unknown file extension ".xyz".*start a module of JavaScript'),
        cause: { code: 'ERR_UNKNOWN_FILE_EXTENSION' }
      }
    ],
    [
      'is TypeScript that Node.js cannot read',
      './worker.ts',
      {
        kind: 'startFailed',
        message: expect.stringContaining('start a module of JavaScript that registers one')
      }
    ],
    ['is no file', 'https://example.org/worker.mjs', { kind: 'startFailed' }]
  ])('fails with the cause when its module %s', async (_, entry, expected) => {
    const { output, code, stderr } = await run(`
      const { error } = await startWorker(moduleAt('${entry}'), contract, { hub, context })
      const { kind, message, cause } = error
      print({ kind, message, cause: { code: cause?.code, message: cause?.message }, contexts: hub.contextCount })
    `)
    expect(output).toMatchObject({ ...expected, contexts: 0 })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it.each([
    [
      'throws',
      'refuse',
      { kind: 'startFailed', cause: { name: 'RangeError', message: 'refused', why: 'moon' } }
    ],
    ['ends the thread', 'exit', { kind: 'disconnected' }],
    ['never answers', 'never', { kind: 'timeout' }]
  ])(
    'fails when the set-up %s; the thread is gone then, and is not started again',
    async (_, data, expected) => {
      const { output, code } = await run(`
      const { error } = await start({ data: '${data}', startTimeoutMs: ${data === 'never' ? 300 : 10_000} })
      const { kind, cause } = error
      const life = readFileSync('life.txt', 'utf8')
      const provided = requests.isProvided(Echo)
      process.on('exit', () => print({
        kind, cause: { name: cause?.name, message: cause?.message, why: cause?.why }, life, provided,
        contexts: hub.contextCount, lifeInTheEnd: readFileSync('life.txt', 'utf8'),
      }))
    `)
      const life = 'started gone '
      expect(output).toMatchObject({ ...expected, life, lifeInTheEnd: life, provided: false, contexts: 0 })
      expect(code).toBe(0)
    }
  )

  it('says nothing of the module when somebody terminates the thread', async () => {
    const { output } = await run(`
      process.on('worker', (worker) => worker.once('online', () => worker.terminate()))
      print(kindOf(await startWorker(moduleAt('./waits.mjs'), contract, { hub, context })))
    `)
    expect(output).toBe('disconnected')
  })

  it('refuses what is no contract and no context before there is a thread', async () => {
    const { output, code } = await run(`
      let workers = 0
      process.on('worker', () => workers++)
      const thrown = []
      const wrong = [[undefined, context], [{ toWorker: [] }, context], [contract, 'x'], [contract, [context, {}]], [contract, null]]
      for (const [agreed, served] of wrong) {
        try { startWorker(moduleAt('./worker.mjs'), agreed, { hub, context: served }) } catch (error) { thrown.push(error.name) }
      }
      try { start({ context: { id: 'acme', context } }) } catch (error) { thrown.push(error.message) }
      print({ thrown, workers })
    `)
    expect({ output, code }).toEqual({
      output: {
        thrown: [
          ...Array.from({ length: 5 }, () => 'TypeError'),
          'a worker serves BrokerContexts; got an object: pass its .context'
        ],
        workers: 0
      },
      code: 0
    })
  })

  it('refuses a contract that could not work, with the message that it is about', async () => {
    const { output, code } = await run(`
      let workers = 0
      process.on('worker', () => workers++)
      const wrong = [
        { toWorker: [Echo], toHost: [undefined] },
        { toWorker: [Echo, Tick], toHost: [Both, Echo] },
        { toWorker: [Unhandled], toHost: [Unhandled] },
        { toWorker: [Tick, Both, Tick], toHost: [] },
        { toWorker: [], toHost: [], toPeers: 'none' }
      ]
      const thrown = wrong.map((agreed) => {
        try { startWorker(moduleAt('./worker.mjs'), agreed, { hub, context }) } catch ({ name, message }) { return [name, message] }
      })
      const limit = (maxPendingRequests) => {
        try { start({ maxPendingRequests }) } catch ({ name }) { return name }
      }
      print({ thrown, limits: [0, 1.5, NaN, '5'].map(limit), workers })
    `)
    const message = (text: string) => ['TypeError', expect.stringContaining(text)]
    expect({ output, code }).toEqual({
      output: {
        thrown: [
          message('toHost[0] must be a message'),
          message('request "workers.echo" is in toWorker and in toHost: only events and multi-requests'),
          message('signal "workers.unhandled" is in toWorker and in toHost'),
          message('toWorker has event "workers.tick" twice'),
          message('toPeers must be a list of messages; got none')
        ],
        limits: Array.from({ length: 4 }, () => 'RangeError'),
        workers: 0
      },
      code: 0
    })
  })

  it('refuses options that are not known, before there is a thread', async () => {
    const { output, code } = await run(`
      let workers = 0
      process.on('worker', () => workers++)
      const told = (call) => { try { return call() } catch ({ name, message }) { return name + ': ' + message } }
      const options = [{ timeoutMs: 5 }, 5, null, context].map((wrong) => [
        told(() => startWorker(moduleAt('./worker.mjs'), contract, wrong)),
        told(() => new WorkerHost(moduleAt('./worker.mjs'), wrong))
      ])
      const ofStart = told(() => new WorkerHost(moduleAt('./worker.mjs'), { startTimeoutMs: 5 }))
      print({ options, ofStart, workers })
    `)
    const ofHost = 'hub, name, execArgv, resourceLimits, maxPendingRequests, fair'
    const unknown = (name: string) => [
      `TypeError: a worker has no option "${name}"; known are context, data, startTimeoutMs, ${ofHost}`,
      `TypeError: a worker has no option "${name}"; known are ${ofHost}`
    ]
    const noObject = (got: string) => {
      const message = `TypeError: the options of a worker must be an object; got ${got}`
      return [message, message]
    }
    expect({ output, code }).toEqual({
      output: {
        options: [unknown('timeoutMs'), noObject('5'), noObject('null'), unknown('id')],
        ofStart: `TypeError: a worker has no option "startTimeoutMs"; known are ${ofHost}`,
        workers: 0
      },
      code: 0
    })
  })

  it('refuses what names no module, before there is a thread', async () => {
    const { output, code } = await run(`
      let workers = 0
      process.on('worker', () => workers++)
      const told = (call) => { try { return call() } catch ({ name, message }) { return name + ': ' + message } }
      const entries = [undefined, null, 5, {}].map((entry) => [
        told(() => startWorker(entry, contract, { hub, context })),
        told(() => new WorkerHost(entry, { hub }))
      ])
      print({ entries, workers })
    `)
    const refused = (got: string) => {
      const message = `TypeError: the module of a worker must be a URL, such as new URL('./worker.js', import.meta.url), or a path; got ${got}`
      return [message, message]
    }
    expect({ output, code }).toEqual({
      output: { entries: ['undefined', 'null', '5', '{}'].map(refused), workers: 0 },
      code: 0
    })
  })

  it('takes a path as Worker does, from the working directory on, and names it when it leads nowhere', async () => {
    const { output, code } = await run(`
      const messages = []
      for (const path of ['./missing.mjs', '/missing/worker.ts', 'missing.mjs', 'file:///missing.mjs']) {
        const { error } = await startWorker(path, contract, { hub, context })
        messages.push(error.kind + ': ' + error.message)
      }
      const { pathname } = moduleAt('./worker.mjs')
      const worker = (await startWorker(pathname, contract, { hub, context }))._unsafeUnwrap()
      const answer = await requests.request(Echo, 'by its path')
      await worker.stop()
      print({ messages, answer: answer.value })
    `)
    const startsWith = (text: string) => expect.stringMatching(new RegExp(`^startFailed: ${text}`))
    expect({ output, code }).toEqual({
      output: {
        messages: [
          startsWith('the worker module ./missing.mjs could not be loaded: Cannot find module'),
          startsWith('the worker module /missing/worker.ts could not be loaded: .*registers one'),
          startsWith('the worker cannot be started: .*"missing.mjs"'),
          startsWith('the worker cannot be started: .*`new URL`')
        ],
        answer: 'by its path'
      },
      code: 0
    })
  })

  it('fails when its module calls serveBrokers a second time', async () => {
    const { output } = await run(`
      const { error } = await startWorker(moduleAt('./twice.mjs'), contract, { hub, context })
      print({ kind: error.kind, cause: error.cause.message })
    `)
    expect(output).toEqual({
      kind: 'disconnected',
      cause: expect.stringContaining('serveBrokers() has been called in this thread')
    })
  })

  it('names the context whose set-up takes too long, and those that cannot be closed any more', async () => {
    const { output } = await run(`
      const late = await start({ data: 'never', startTimeoutMs: 300 })
      const worker = await started()
      const served = (await worker.serve(BrokerContext.create('further'), contract, undefined, 5000))._unsafeUnwrap()
      void requests.request(Echo, 'exit')
      await worker.exited
      const released = await served.release()
      print([late, released].map(({ error: { kind, message } }) => ({ kind, message })))
    `)
    expect(output).toEqual([
      {
        kind: 'timeout',
        message: expect.stringMatching(/^context served \(.*\) was not set up within 300 ms$/)
      },
      { kind: 'disconnected', message: 'the worker thread has ended' }
    ])
  })

  it('fails with alreadyProvided when this thread answers what the worker is to', async () => {
    const { output } = await run(`
      requests.provide(Echo, () => 'here')
      const kind = kindOf(await start())
      const answer = (await requests.request(Echo, 'there')).value
      print({ kind, answer, life: readFileSync('life.txt', 'utf8'), free: !requests.isProvided(WhatWasHeard) })
    `)
    expect(output).toEqual({ kind: 'alreadyProvided', answer: 'here', life: 'started gone ', free: true })
  })
})

describe('serving a further context', () => {
  it('leaves nothing of it in the worker when this thread answers what the worker is to', async () => {
    const { output } = await run(`
      const further = BrokerContext.create('further')
      const worker = await started()
      const taken = requests.in(further).provide(Echo, () => 'here')._unsafeUnwrap()
      const serve = () => worker.serve(further, contract, undefined, 5000)
      const first = kindOf(await serve())
      taken.remove()
      const second = kindOf(await serve())
      let heard = 0
      events.in(further).listen(Heard, () => heard++)
      events.in(further).emit(Tick, 1)
      await requests.in(further).request(WhatWasHeard)
      print({ first, second, heard })
    `)
    expect(output).toEqual({ first: 'alreadyProvided', second: 'ok', heard: 1 })
  })
})

describe('a worker that dies', () => {
  it.each([
    ['exits', 'exit', { code: 3, error: {} }],
    ['throws outside of any call', 'throw', { code: 1, error: { message: 'orphan' } }],
    ['throws null', 'throw null', { code: 1, error: {} }],
    ['throws undefined', 'throw undefined', { code: 1, error: {} }],
    ['runs out of memory', 'hoard', { code: 1, error: { code: 'ERR_WORKER_OUT_OF_MEMORY' } }]
  ])('when it %s takes nobody along, and makes room for another provider', async (_, how, expected) => {
    const { output, code } = await run(`
      const other = BrokerContext.create('other')
      await started({ context: other })
      const worker = await started({ resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 } })
      const pending = ['never', '${how}', 'never'].map((what) => requests.request(Echo, what))
      const kinds = (await Promise.all(pending)).map(kindOf)
      const { expected, code, error } = await worker.exited
      const provided = requests.isProvided(Echo)
      const none = kindOf(await requests.request(Echo, 'nobody'))
      requests.provide(Echo, (what) => 'somebody else says ' + what)._unsafeUnwrap()
      print({
        kinds, expected, code, error: { message: error?.message, code: error?.code }, provided, none,
        next: (await requests.request(Echo, 'hello')).value,
        other: (await requests.in(other).request(Echo, 'alive')).value,
      })
    `)
    expect(output).toMatchObject({
      ...expected,
      kinds: ['disconnected', 'disconnected', 'disconnected'],
      expected: false,
      provided: false,
      none: 'noProvider',
      next: 'somebody else says hello',
      other: 'alive'
    })
    expect(code).toBe(0)
  })

  it('is not put back as a provider by whoever stood in for it meanwhile', async () => {
    const { output } = await run(`
      const worker = await started()
      const ended = worker.exited
      await requests.withProvider(Echo, () => 'in its place', () => worker.stop())
      await ended
      const kind = kindOf(await requests.request(Echo, 'hello', { timeoutMs: 2000 }))
      print({ provided: requests.isProvided(Echo), kind })
    `)
    expect(output).toEqual({ provided: false, kind: 'noProvider' })
  })

  it('is terminated when it does not stop by itself, and its requests end', async () => {
    const { output, code } = await run(`
      const worker = await started()
      const pending = requests.request(Echo, 'spin', { timeoutMs: Infinity })
      ${fastClock(10)}
      await Promise.all([worker.stop(), worker.stop()])
      const { expected, code } = await worker.exited
      print({ kind: kindOf(await pending), expected, code })
    `)
    expect(output).toEqual({ kind: 'disconnected', expected: true, code: 1 })
    expect(code).toBe(0)
  })

  it('serves no further context', async () => {
    const { output } = await run(`
      const worker = await started()
      await worker.stop()
      print(kindOf(await worker.serve(BrokerContext.create(), contract, undefined, 5000)))
    `)
    expect(output).toBe('disconnected')
  })

  it('tells that its end was expected when it was stopped', async () => {
    const { output } = await run(`
      const worker = await started()
      await worker.stop()
      const { expected, code, error } = await worker.exited
      print({ expected, code, failed: error !== undefined, contexts: hub.contextCount })
    `)
    expect(output).toEqual({ expected: true, code: 0, failed: false, contexts: 0 })
  })
})

describe('a worker under load', () => {
  it('gets each of 20 000 events emitted in one go, in order', async () => {
    const { output } = await run(`
      await started()
      for (let n = 0; n < 20_000; n++) events.emit(Tick, n)
      const heard = (await requests.request(WhatWasHeard))._unsafeUnwrap()
      print({ count: heard.length, inOrder: heard.every((n, at) => n === at) })
    `)
    expect(output).toEqual({ count: 20_000, inOrder: true })
  })

  it('gives its last answer although this thread is busy until it has ended', async () => {
    const { output } = await run(`
      const last = []
      // Which of the two is heard of first, the answer or the end, depends on the moment.
      for (let round = 0; round < 8; round++) {
        const worker = await started()
        for (let n = 0; n < 20; n++) await requests.request(Echo, n)
        const answer = requests.request(Echo, round)
        const stopped = worker.stop()
        const until = performance.now() + 50
        while (performance.now() < until);
        last.push((await answer).unwrapOr('lost'))
        await stopped
      }
      print(last)
    `)
    expect(output).toEqual(Array.from({ length: 8 }, (_, round) => round))
  })

  it('has everything before drained() worked off, although somebody else goes on sending', async () => {
    const { output } = await run(`
      const worker = await started()
      let drained = false
      let n = 0
      const send = () => {
        if (drained || n > 1_000_000) return
        for (let i = 0; i < 100; i++) events.emit(Tick, n++)
        setImmediate(send)
      }
      events.listen(Heard, () => {})
      send()
      setImmediate(send)
      await worker.drained()
      drained = true
      print({ ended: n < 1_000_000 })
      await worker.stop()
    `)
    expect(output).toEqual({ ended: true })
  })

  it('is not called as part of what somebody else waits for', async () => {
    const { output } = await run(`
      import { AsyncLocalStorage } from 'node:async_hooks'
      const store = new AsyncLocalStorage()
      const worker = await store.run('who started it', () => context.run(() => started()))
      const seen = new Set()
      events.listen(Heard, () => seen.add((store.getStore() ?? 'nobody') + ' in ' + BrokerContext.current.label))
      for (let n = 0; n < 300; n++) {
        await store.run('request ' + n, async () => {
          const answer = requests.request(Echo, n)
          events.emit(Tick, n)
          await answer
        })
      }
      await worker.drained()
      print([...seen])
      await worker.stop()
    `)
    expect(output).toEqual(['nobody in default'])
  })

  it('has worked off everything sent whenever drained() resolves', async () => {
    const { output } = await run(`
      const worker = await started()
      let heard = 0
      events.listen(Heard, () => heard++)
      const behind = []
      for (let n = 1; n <= 20_000; n++) {
        events.emit(Tick, n)
        if (n % 1000 !== 0) continue
        await worker.drained()
        behind.push(n - heard)
      }
      print({ heard, pauses: behind.length, behind: Math.max(...behind) })
    `)
    expect(output).toEqual({ heard: 20_000, pauses: 20, behind: 0 })
  })

  it('has nothing to drain when nothing was sent, or when it is gone', async () => {
    const { output } = await run(`
      const worker = await started()
      await worker.drained()
      events.emit(Tick, 1)
      const drained = worker.drained()
      await worker.stop()
      await drained
      await worker.drained()
      print('drained')
    `)
    expect(output).toBe('drained')
  })

  it('is spared more requests than may wait for it', async () => {
    const { output } = await run(`
      const worker = await started({ maxPendingRequests: 10 })
      const caller = new AbortController()
      const calls = Array.from({ length: 15 }, () => requests.request(Echo, 'never', { signal: caller.signal }))
      const refused = (await Promise.all(calls.slice(10))).map(kindOf)
      caller.abort()
      const given = (await Promise.all(calls.slice(0, 10))).map(kindOf)
      await worker.drained()
      print({ refused, given, next: (await requests.request(Echo, 'hello')).value })
    `)
    expect(output).toEqual({
      refused: Array(5).fill('overloaded'),
      given: Array(10).fill('aborted'),
      next: 'hello'
    })
  })

  it('is spared them also when they are given up before it has come to them', async () => {
    const { output } = await run(`
      const worker = await started({ maxPendingRequests: 10 })
      const waited = requests.request(Echo, 'wait')
      const calls = Array.from({ length: 12 }, () => requests.request(Echo, 'soon', { timeoutMs: 20 }))
      const first = (await Promise.all(calls)).map(kindOf)
      const later = kindOf(await requests.request(Echo, 'too many', { timeoutMs: 20 }))
      writeFileSync('gate.txt', 'open')
      await waited
      await worker.drained()
      print({ first, later, next: (await requests.request(Echo, 'hello')).value })
    `)
    expect(output).toEqual({
      first: [...Array(9).fill('timeout'), ...Array(3).fill('overloaded')],
      later: 'overloaded',
      next: 'hello'
    })
  })
})

describe('a worker and its host', () => {
  it('exchange an event both ways, and neither hears its own twice', async () => {
    const { output } = await run(`
      await started()
      const here = []
      const reply = new Promise((resolve) => events.listen(Both, (text) => here.push(text) === 2 && resolve()))
      events.emit(Both, 'from the host')
      await reply
      print({ here, there: (await requests.request(WhatWasHeard)).value })
    `)
    const both = ['from the host', 'from the worker']
    expect(output).toEqual({ here: both, there: both })
  })

  it('lose a signal that nobody handles with a warning of the worker, and the next one is refused', async () => {
    const { output } = await run(`
      await started()
      const send = () => kindOf(signals.signal(Unhandled))
      const first = send()
      let heard = []
      while (heard.length === 0) heard = (await requests.request(WhatWasHeard)).value
      print({ first, heard, second: send() })
    `)
    expect(output).toEqual({ first: 'ok', heard: ['PERSISTENCY_MESSAGE_LOST'], second: 'noHandler' })
  })

  it('keep two contexts of one thread apart', async () => {
    const { output } = await run(`
      const other = BrokerContext.create('other')
      await started({ context: [context, other] })
      const here = []
      for (const at of [context, other]) events.in(at).listen(Heard, (n) => here.push(at.label + n))
      events.emit(Tick, 1)
      events.in(other).emit(Tick, 2)
      const heard = await Promise.all([context, other].map((at) => requests.in(at).request(WhatWasHeard)))
      print({ heard: heard.map(({ value }) => value), here, life: readFileSync('life.txt', 'utf8') })
    `)
    expect(output).toEqual({ heard: [[1], [2]], here: ['served1', 'other2'], life: 'started ' })
  })
})

it('lets contexts come and go however many requests wait', async () => {
  const { output } = await run(`
    const further = BrokerContext.create('further')
    const worker = await started({ maxPendingRequests: 2 })
    const waiting = [requests.request(Echo, 'never'), requests.request(Echo, 'never')]
    const refused = kindOf(await requests.request(Echo, 'too many'))
    const served = (await worker.serve(further, contract, undefined, 5000))._unsafeUnwrap()
    const released = kindOf(await served.release())
    await worker.stop()
    print({ refused, released, ended: (await Promise.all(waiting)).map(kindOf) })
  `)
  expect(output).toEqual({ refused: 'overloaded', released: 'ok', ended: ['disconnected', 'disconnected'] })
})
