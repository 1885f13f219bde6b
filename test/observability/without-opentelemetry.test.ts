import { describe, expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

/** As on a machine where OpenTelemetry is not installed, in every thread of the process. */
const FILES = {
  'hide.mjs': `
import { register } from 'node:module'
register('./hooks.mjs', import.meta.url)
`,
  'hooks.mjs': `
export async function resolve(specifier, context, next) {
  if (specifier.startsWith('@opentelemetry/')) {
    throw Object.assign(new Error('hidden: ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' })
  }
  return next(specifier, context)
}
`
}

describe('without @opentelemetry/api', () => {
  it('everything but persistency/observability works', async () => {
    const { output, code, stderr } = await runScript(
      `
      import './hide.mjs'
      import { createRequire } from 'node:module'
      import { pathToFileURL } from 'node:url'
      const { Persistency, key } = await import(MAIN)
      const others = await Promise.all([BROKERS, THREADS, DI].map((entry) => import(entry)))
      const persistency = Persistency.open(':memory:')._unsafeUnwrap()
      const job = (await persistency.openJob('a'))._unsafeUnwrap()
      await job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: new Uint8Array([7]) })
      const bytes = (await job.get('c', key(1)))._unsafeUnwrap()
      await persistency.close()
      const failure = await import(OBSERVABILITY).catch(({ code, message }) => ({ code, message }))
      console.log(JSON.stringify({
        exports: others.map((entry) => Object.keys(entry).length > 0), bytes: [...bytes], failure
      }))
    `.replace(/\b(MAIN|BROKERS|THREADS|DI|OBSERVABILITY)\b(?=[)\],])/g, (name) =>
        JSON.stringify(entryOf(name))
      ),
      FILES
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(output).toEqual({
      exports: [true, true, true],
      bytes: [7],
      failure: { code: 'ERR_MODULE_NOT_FOUND', message: 'hidden: @opentelemetry/api' }
    })
  })
})

function entryOf(name: string): string {
  const folder = name === 'MAIN' ? '' : `${name.toLowerCase()}/`
  return new URL(`../../dist/${folder}index.js`, import.meta.url).href
}
