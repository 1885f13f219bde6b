import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

const project = resolve(import.meta.dirname, '../..')
let folder: string

const here = (path: string): string => pathToFileURL(join(project, 'dist', path)).href

// What npm does when two dependencies want different versions, with the same version twice.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'persistency-copy-'))
  cpSync(join(project, 'dist'), join(folder, 'dist'), { recursive: true })
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs a script which has one copy as `a` and another as `b`, each with all entry points that it needs. */
async function run(body: string): Promise<unknown> {
  const copy = (path: string): string => pathToFileURL(join(folder, 'dist', path)).href
  const { output, code, stderr } = await runScript(`
    import '${import.meta.resolve('reflect-metadata')}'
    import { container } from '${import.meta.resolve('tsyringe')}'
    import * as mainOfA from 'persistency'
    import * as brokersOfA from 'persistency/brokers'
    import * as diOfA from 'persistency/di'
    import * as mainOfB from '${copy('index.js')}'
    import * as brokersOfB from '${copy('brokers/index.js')}'
    import * as threadsOfA from 'persistency/threads'
    import * as diOfB from '${copy('di/index.js')}'
    const a = { ...mainOfA, ...brokersOfA, ...diOfA, ...threadsOfA }, b = { ...mainOfB, ...brokersOfB, ...diOfB }
    const print = (value) => console.log(JSON.stringify(value))
    ${body}
  `)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return output
}

it('two copies of the package share the context in force, as they share the hub', async () => {
  const output = await run(`
    const acme = a.BrokerContext.create('acme'), globex = a.BrokerContext.create('globex')
    const Said = a.defineEvent('said')
    const heard = []
    acme.run(() => new b.EventBroker().listen(Said, (text) => heard.push(text)))
    globex.run(() => new b.EventBroker().emit(Said, 'secret of globex'))
    acme.run(() => new a.EventBroker().emit(Said, 'of acme'))
    b.BrokerContext.from(acme).run(() => new a.EventBroker().emit(Said, 'of acme, too'))
    print({ copies: a.EventBroker !== b.EventBroker, heard, outside: b.BrokerContext.current.id })
  `)
  expect(output).toEqual({ copies: true, heard: ['of acme', 'of acme, too'], outside: 'default' })
})

it('two copies of the package know the errors of each other', async () => {
  const output = await run(`
    const Broken = a.defineRequest('broken')
    new b.RequestBroker().provide(Broken, () => { throw new Error('boom') })
    const { error } = await new a.RequestBroker().request(Broken)
    new b.MultiRequestBroker().provide(b.Teardown, () => { throw new Error('stuck') })
    const { failed } = await a.tearDown(new a.MultiRequestBroker())
    const Made = a.defineInterface('made', {})
    a.provideFactory(Made, () => { throw new Error('no parts') })
    const factory = (await b.createFromFactory(Made)).error
    const persistency = b.Persistency.open({ rootDir: ':memory:', threads: 'none' })._unsafeUnwrap()
    const job = (await persistency.openJob('acme'))._unsafeUnwrap()
    void a.BrokerHub.default
    new a.RequestBroker().in(job.context).provide(b.KvGet, () => {})
    new a.RequestBroker().in(job.context).clear(b.KvGet)
    const read = (await job.get('c', b.key(1))).error
    await persistency.close()
    print({
      is: [a.BrokerError.is(error), b.BrokerError.is(error), a.BrokerError.is(new Error('boom')), a.BrokerError.is(undefined)],
      failed, factory: [factory.kind, factory.cause.message], read: [read.name, read.code]
    })
  `)
  expect(output).toEqual({
    is: [true, true, false, false],
    failed: [{ part: 'unknown', message: expect.stringContaining('stuck') }],
    factory: ['factoryFailed', 'no parts'],
    read: ['PersistencyError', 'ERR_JOB_CLOSED']
  })
})

it('methods that were marked with one copy are bound by another', async () => {
  const output = await run(`
    const Said = a.defineEvent('said')
    const app = container.createChildContainer()
    a.registerBrokers(app, new a.BrokerHub(), a.BrokerContext.create('app'))
    class Ear { heard = []; hear(text) { this.heard.push(text) } }
    b.listens(Said)(Ear.prototype, 'hear', Object.getOwnPropertyDescriptor(Ear.prototype, 'hear'))
    const ear = new Ear()
    a.bindHandlers(app, ear)
    app.resolve(a.EventBroker).emit(Said, 'hello')
    let refused
    try { b.bindHandlers(app, ear) } catch (error) { refused = error.message }
    print({ heard: ear.heard, refused })
  `)
  // Brokers are registered by their class. The container has none of the other copy, and makes none in the default context.
  expect(output).toEqual({ heard: ['hello'], refused: expect.stringContaining('EventBroker') })
})

it('a persistency of one copy takes the hub of the other', async () => {
  const output = await run(`
    const open = (hub) => b.Persistency.open({ rootDir: ':memory:', threads: 'none', hub })
    const persistency = b.unwrap(open(a.BrokerHub.default))
    const job = await b.unwrap(persistency.openJob('tenant'))
    await b.unwrap(job.persistPut('c', b.key(1), new Uint8Array(1)))
    const rows = await b.unwrap(job.count('c', b.key()))
    await persistency.close()
    print({ rows, refused: open({}).isErr() })
  `)
  expect(output).toEqual({ rows: 1, refused: true })
})

it('a worker of one copy serves the contexts of the other', async () => {
  const output = await run(`
    const worker = new URL('data:text/javascript,' + encodeURIComponent(\`
      import { RequestBroker, defineRequest } from '${here('brokers/index.js')}'
      import { serveBrokers } from '${here('threads/index.js')}'
      const Echo = defineRequest('echo')
      serveBrokers({ toWorker: [Echo], toHost: [] }, ({ hub, context }) => {
        new RequestBroker(hub, context).provide(Echo, (text) => text)
      })
    \`))
    const Echo = b.defineRequest('echo')
    const context = b.BrokerContext.create('of the other')
    const started = await a.unwrap(a.startWorker(worker, { toWorker: [Echo], toHost: [] }, { context }))
    const answer = await b.unwrap(new b.RequestBroker(undefined, context).request(Echo, 'hello'))
    await started.stop()
    print(answer)
  `)
  expect(output).toBe('hello')
})

it('a broker of one copy takes a hub and a context of the other', async () => {
  const output = await run(`
    const hub = new b.BrokerHub(), context = b.BrokerContext.create('of b'), heard = []
    const Said = b.defineEvent('said'), Asked = b.defineRequest('asked'), All = b.defineMultiRequest('all')
    const Wake = b.defineSignal('wake')
    new a.EventBroker(hub, context).listen(Said, (text) => heard.push(text))
    new b.EventBroker(hub, context).emit(Said, 'event')
    new a.RequestBroker(hub).in(context).provide(Asked, (text) => text)
    heard.push(await b.unwrap(new b.RequestBroker(hub, context).request(Asked, 'request')))
    new a.MultiRequestBroker(hub, context).provide(All, (text) => text)
    heard.push(await b.unwrap(new b.MultiRequestBroker(hub, context).request(All, 'multi-request')))
    new a.SignalBroker(hub).in(context).on(Wake, (text) => heard.push(text))
    new b.SignalBroker(hub, context).signal(Wake, 'signal')
    const app = container.createChildContainer()
    a.registerBrokers(app, hub, context)
    app.resolve(a.EventBroker).emit(Said, 'of a container')
    await 0
    print(heard)
  `)
  expect(output).toEqual(['event', 'request', ['multi-request'], 'of a container', 'signal'])
})
