/** What a signal that asks the process to end does to accepted writes, with `closeOnSignal`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { Persistency } from 'persistency'
import { runProgram, startProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { errorOf } from '../support/storage-results.js'
import { rowsIn } from '../support/storage-sqlite.js'

const storage = useStorage()

const ROWS = 20_000

/** Opens a job, runs `before`, then writes without awaiting and says so in the same turn. */
async function signalled(option: string, signals: NodeJS.Signals[], before = '') {
  const folder = storage.folder()
  const program = startProgram(
    folder,
    `import { writeSync } from 'node:fs'
     const { Persistency, key } = persistency
     const owner = Persistency.open({ rootDir: root + '/data', closeOnSignal: ${option} })._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     setInterval(() => {}, 1000)
     ${before}
     for (let i = 0; i < ${ROWS}; i++) job.persistPut('c', key(i), new Uint8Array(100))
     writeSync(1, 'written\\n')`
  )
  await program.printed('written')
  for (const signal of signals) program.kill(signal)
  const ended = await program.ended
  const file = join(folder, 'data', 'tenant.db')
  const files = filesIn(join(folder, 'data'))
  return { ...ended, files, rows: existsSync(file) ? rowsIn(file).length : -1 }
}

describe('with closeOnSignal', () => {
  test.each([
    ['true', 'SIGTERM'],
    ['true', 'SIGINT'],
    ["['SIGHUP']", 'SIGHUP']
  ] as const)('%s, %s closes everything, then ends the process as ever', async (option, signal) => {
    const ended = await signalled(option, [signal])
    expect(ended).toMatchObject({ code: null, signal, stderr: '', rows: ROWS, files: ['tenant.db'] })
  })

  test('a second signal does not cut the closing short', async () => {
    const ended = await signalled('true', ['SIGTERM', 'SIGTERM', 'SIGINT'])
    expect(ended).toMatchObject({ code: null, rows: ROWS, files: ['tenant.db'] })
    expect(['SIGTERM', 'SIGINT']).toContain(ended.signal)
  })

  test.each(['on', 'once'])('ending is left to others who listen with %s', async (how) => {
    const ended = await signalled(
      'true',
      ['SIGTERM'],
      `process.${how}('SIGTERM', async () => {
         await owner.close()
         console.log('bye')
         process.exit(7)
       })`
    )
    expect(ended).toMatchObject({ code: 7, signal: null, rows: ROWS })
    expect(ended.stdout).toContain('bye')
  })

  test('a signal that was not asked for ends the process as ever', async () => {
    const ended = await signalled("['SIGHUP']", ['SIGTERM'])
    expect(ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  test('all owners are closed, and a closed one is left alone', async () => {
    const ended = await signalled(
      'true',
      ['SIGTERM'],
      `const closed = Persistency.open({ rootDir: root + '/closed', closeOnSignal: true })._unsafeUnwrap()
       await closed.close()
       const other = Persistency.open({ rootDir: root + '/data', closeOnSignal: true })._unsafeUnwrap()
       const second = (await other.openJob('second'))._unsafeUnwrap()
       second.persistPut('c', key(1), new Uint8Array(1))`
    )
    expect(ended).toMatchObject({ signal: 'SIGTERM', stderr: '', files: ['second.db', 'tenant.db'] })
  })

  test('no listener is left after closing', async () => {
    const { stdout } = await runProgram(
      storage.folder(),
      `const count = () => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT')
       const open = () => persistency.Persistency.open({ rootDir: root, closeOnSignal: true })._unsafeUnwrap()
       const counts = [count()]
       const owners = [open(), open()]
       counts.push(count())
       for (const owner of owners) { await owner.close(); counts.push(count()) }
       console.log(counts.join(' '))`
    )
    expect(stdout.trim()).toBe('0 2 2 0')
  })

  test('an owner that is not closed does not keep the process alive', async () => {
    const ended = await runProgram(
      storage.folder(),
      'persistency.Persistency.open({ rootDir: root, closeOnSignal: true })'
    )
    expect(ended).toMatchObject({ code: 0, stderr: '' })
  })
})

test.each([['SIGKILL'], 'SIGTERM', [], 1, ['SIGTERM', 'SIGNOTHING']])(
  'closeOnSignal: %j is refused',
  async (given) => {
    const opened = Persistency.open({ rootDir: storage.folder(), closeOnSignal: given as never })
    expect(await errorOf(opened)).toMatchObject({ code: 'ERR_OPTION' })
  }
)

test('closeOnSignal is refused in a worker thread, where no signals arrive', async () => {
  const { stdout } = await runProgram(
    storage.folder(),
    `import { Worker } from 'node:worker_threads'
     const source = \`import('\${import.meta.resolve(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)})}')
       .then(({ Persistency }) => console.log(Persistency.open({ rootDir: ':memory:', closeOnSignal: true }).error.message))\`
     new Worker(source, { eval: true })`
  )
  expect(stdout).toContain('in a worker thread, where no signals arrive')
})
