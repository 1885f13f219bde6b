import { describe, expect, it } from '@jest/globals'
import { runChild } from '../support/brokers-child.js'

interface Warning {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly detail?: string
}

/** Runs a program in which `events` and `tenant` are brokers of two contexts; answers the warnings of its process. */
async function warningsOf(program: string): Promise<Warning[]> {
  const { code, lines, stderr } = await runChild(`
    import { BrokerContext, BrokerHub, defineEvent, EventBroker } from 'persistency'
    process.on('warning', ({ name, code, message, detail }) => print({ name, code, message, detail }))
    const Note = defineEvent('note')
    const Other = defineEvent('other')
    const hub = new BrokerHub()
    const events = new EventBroker(hub)
    const tenant = events.in(BrokerContext.create('tenant'))
    const fail = () => { throw new Error('listener') }
    ${program}
  `)
  if (code !== 0) throw new Error(`the program ended with ${code}: ${JSON.stringify(lines)} ${stderr}`)
  return lines as Warning[]
}

const messagesOf = async (program: string): Promise<string[]> =>
  (await warningsOf(program)).map(({ message }) => message)

describe('a failing listener that nobody watches', () => {
  it('is a warning of the process that names the event, the context and the error', async () => {
    const [warning, ...more] = await warningsOf(`
      tenant.listen(Note, fail)
      tenant.emit(Note, {})
    `)
    expect(more).toEqual([])
    expect(warning).toMatchObject({
      name: 'PersistencyWarning',
      code: 'PERSISTENCY_LISTENER_FAILED',
      message: 'a listener of "note" failed in context tenant: listener'
    })
    expect(warning?.detail).toMatch(/^Error: listener\n\s+at .*fail/)
  })

  it('is one also when it rejects, when it is a subscriber, and when it throws no error', async () => {
    const messages = await messagesOf(`
      events.listen(Note, async () => { throw new Error('rejected') })
      events.on(Other).subscribe(() => { throw 'text' })
      tenant.listen(Note, () => { throw { kind: 'soldOut', item: 'lamp' } })
      events.emit(Note, {})
      await turn()
      events.emit(Other, {})
      tenant.emit(Note, {})
    `)
    expect(messages).toEqual([
      'a listener of "note" failed in context default: rejected',
      'a listener of "other" failed in context default: text',
      'a listener of "note" failed in context tenant: { kind: "soldOut", item: "lamp" }'
    ])
  })

  it('has its text once when there is no stack to print below it', async () => {
    const [warning] = await warningsOf(`
      events.listen(Note, () => { throw 'text' })
      events.emit(Note, {})
    `)
    expect(warning).not.toHaveProperty('detail')
  })

  it('is one whatever it throws, and the emitter hears of nothing', async () => {
    const messages = await messagesOf(`
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      events.listen(Note, () => { throw proxy })
      events.listen(Other, () => { throw Object.defineProperty(new Error('no stack'), 'stack', { get() { throw 1 } }) })
      events.emit(Note, {})
      events.emit(Other, {})
    `)
    expect(messages).toEqual([
      'a listener of "note" failed in context default: something that has no text',
      'a listener of "other" failed in context default: no stack'
    ])
  })

  it('is reported the 1st, 10th and 100th time only', async () => {
    const messages = await messagesOf(`
      events.listen(Note, fail)
      for (let n = 0; n < 999; n++) events.emit(Note, {})
    `)
    expect(messages).toEqual([
      'a listener of "note" failed in context default: listener',
      'a listener of "note" failed in context default: listener (10 times so far)',
      'a listener of "note" failed in context default: listener (100 times so far)'
    ])
  })

  it('is counted by itself for each event and context', async () => {
    const messages = await messagesOf(`
      for (const broker of [events, tenant]) {
        for (const event of [Note, Other]) {
          broker.listen(event, fail)
          for (let n = 0; n < 9; n++) broker.emit(event, {})
        }
      }
    `)
    expect(messages).toEqual([
      'a listener of "note" failed in context default: listener',
      'a listener of "other" failed in context default: listener',
      'a listener of "note" failed in context tenant: listener',
      'a listener of "other" failed in context tenant: listener'
    ])
  })

  it('is counted for the last 1000 subjects: one that keeps failing stays, one of long ago is new', async () => {
    const messages = await messagesOf(`
      const failIn = (label) => {
        const broker = events.in(BrokerContext.create(label))
        broker.listen(Note, fail)
        broker.emit(Note, {})
      }
      failIn('of long ago')
      failIn('busy')
      for (let n = 1; n <= 1000; n++) {
        failIn('tenant ' + n)
        if (n % 100 === 0) failIn('busy')
      }
      failIn('tenant 1000')
      failIn('of long ago')
    `)
    const about = (label: string): string[] => messages.filter((text) => text.includes(`context ${label}:`))
    expect(about('of long ago')).toHaveLength(2)
    expect(about('busy')).toEqual([
      expect.stringContaining('busy: listener'),
      expect.stringContaining('(10 times so far)')
    ])
    expect(about('tenant 1000')).toHaveLength(1)
  })
})

describe('a failing listener that somebody watches', () => {
  it('is no warning', async () => {
    const messages = await messagesOf(`
      events.listenerErrors.subscribe(() => {})
      events.listen(Note, fail)
      events.emit(Note, {})
    `)
    expect(messages).toEqual([])
  })

  it('is a warning when the watcher looks at another context', async () => {
    const messages = await messagesOf(`
      events.listenerErrors.subscribe(() => {})
      tenant.listen(Note, fail)
      tenant.emit(Note, {})
    `)
    expect(messages).toEqual(['a listener of "note" failed in context tenant: listener'])
  })

  it('is a warning again when the watcher is gone', async () => {
    const messages = await messagesOf(`
      const watching = events.listenerErrors.subscribe(() => {})
      events.listen(Note, fail)
      events.emit(Note, {})
      watching.unsubscribe()
      events.emit(Note, {})
    `)
    expect(messages).toEqual(['a listener of "note" failed in context default: listener'])
  })

  it('is a warning when only the framework itself watches', async () => {
    const messages = await messagesOf(`
      import { ListenerFailed } from 'persistency/brokers'
      let heard = 0
      hub.listen(events.context, ListenerFailed, () => { heard++ }, { internal: true })
      events.listen(Note, fail)
      events.emit(Note, {})
      if (heard !== 1) process.exit(1)
    `)
    expect(messages).toEqual(['a listener of "note" failed in context default: listener'])
  })

  it('is no warning when the emitter gets the outcome, watched or not', async () => {
    const messages = await messagesOf(`
      events.listen(Note, fail)
      events.listen(Note, async () => { throw new Error('rejected') })
      const outcomes = await events.emitSettled(Note, {})
      if (outcomes.filter(({ status }) => status === 'rejected').length !== 2) process.exit(1)
    `)
    expect(messages).toEqual([])
  })
})

describe('a failing watcher', () => {
  it('is a warning about itself, and does not set off another round', async () => {
    const messages = await messagesOf(`
      events.listenerErrors.subscribe(() => { throw new Error('watcher') })
      events.listen(Note, fail)
      events.emit(Note, {})
    `)
    expect(messages).toEqual(['a listener of "brokers.listenerFailed" failed in context default: watcher'])
  })
})
