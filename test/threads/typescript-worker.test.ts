/** Workers written in TypeScript, started the way that `docs/threads.md` has it. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { BrokerContext, BrokerHub, RequestBroker, unwrap } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { Fit, Resize, resizeContract } from '../fixtures/resize.contract.js'
import { spawnNode } from '../support/spawn-node.js'

const ROOT = resolve(import.meta.dirname, '../..')
const ENTRY = new URL('../fixtures/resize.worker.mjs', import.meta.url)

describe('a worker in TypeScript, started by a module of JavaScript that registers tsx', () => {
  it('is what the documentation shows', () => {
    expect(readFileSync(resolve(ROOT, 'docs/threads.md'), 'utf8')).toContain(readFileSync(ENTRY, 'utf8'))
  })

  it('works in tests under Jest', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create('images')
    const worker = await unwrap(startWorker(ENTRY, resizeContract, { hub, context }))
    const answer = await new RequestBroker(hub, context).request(Resize, { name: 'cat', fit: Fit.cover })
    expect(answer._unsafeUnwrap()).toBe('cat, cut off')
    await worker.stop()
  })

  it('works in a program that tsx runs', async () => {
    const program = `
      import { RequestBroker, unwrap } from 'persistency/brokers'
      import { startWorker } from 'persistency/threads'
      import { Fit, Resize, resizeContract } from './test/fixtures/resize.contract.ts'
      const worker = await unwrap(startWorker(new URL('${ENTRY.href}'), resizeContract))
      console.log(await unwrap(new RequestBroker().request(Resize, { name: 'dog', fit: Fit.contain })))
      await worker.stop()
    `
    const { code, stdout, stderr } = await spawnNode(
      ['--import', 'tsx', '--input-type=module', '--eval', program],
      ROOT
    )
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'dog\n', stderr: '' })
  })
})
