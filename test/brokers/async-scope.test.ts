import { AsyncLocalStorage } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, it } from '@jest/globals'
import type { ProviderCall, RequestBroker } from 'persistency/brokers'
import { never, nextTurn } from '../support/brokers-async.js'
import { Length, newRequests } from '../support/requests.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const user = new AsyncLocalStorage<{ readonly name: string }>()

let requests: RequestBroker
let fired: (string | undefined)[]
beforeEach(() => {
  ;({ requests } = newRequests())
  fired = []
})

/** Provides what never answers, and notes on whose behalf the signal of each call fires. */
function provideSlow(): void {
  requests.provide(Length, (_, { signal }) => {
    signal.addEventListener('abort', () => fired.push(user.getStore()?.name))
    return never()
  })
}

const ask = (name: string, options: { timeoutMs?: number; signal?: AbortSignal }) =>
  user.run({ name }, () => requests.request(Length, name, options))

describe('the signal of a call fires in the async context of that call', () => {
  it('when its time is up, whoever set the timer', async () => {
    provideSlow()
    await Promise.all(['a', 'b', 'c'].map((name) => ask(name, { timeoutMs: 10 })))
    expect(fired).toEqual(['a', 'b', 'c'])
  })

  it('when another call has set the timer again', async () => {
    provideSlow()
    const first = ask('a', { timeoutMs: 20 })
    const second = user
      .run({ name: 'timer' }, () => new Promise((resolve) => setTimeout(resolve, 10)))
      .then(() => ask('b', { timeoutMs: 20 }))
    await Promise.all([first, second])
    expect(fired).toEqual(['a', 'b'])
  })

  it('when its caller gives up elsewhere', async () => {
    provideSlow()
    const caller = new AbortController()
    const answer = ask('a', { signal: caller.signal })
    user.run({ name: 'somebody' }, () => caller.abort())
    await answer
    expect(fired).toEqual(['a'])
  })
})

it('nothing is kept of the async context of a call that is over, nor by the timer that it set', async () => {
  const calls: ProviderCall[] = []
  requests.provide(Length, (text, call) => {
    if (!call.signal.aborted) calls.push(call)
    return text.length
  })
  const kept: WeakRef<{ readonly name: string }>[] = []
  const askAs = async (name: string): Promise<void> => {
    const store = { name }
    kept.push(new WeakRef(store))
    await user.run(store, () => requests.request(Length, name, { timeoutMs: 60_000 }))
  }
  for (const name of ['a', 'b', 'c']) await askAs(name)
  calls.length = 0
  // What the engine itself has not let go of yet goes with the next turns.
  for (let turn = 0; turn < 5; turn++) {
    await nextTurn()
    collectGarbage()
  }
  expect(kept.map((ref) => ref.deref()?.name)).toEqual([undefined, undefined, undefined])
})
