import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fastClock } from '../support/fast-clock.js'
import { runProgram, startProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { CREATE_KV, execute, rowsIn } from '../support/storage-sqlite.js'

const storage = useStorage()

/** Opens a job, and makes `write(n)`, which queues `n` writes without awaiting any. */
const OPEN = `
  const { Persistency, key } = persistency
  const owner = Persistency.open({ rootDir: root + '/data' })._unsafeUnwrap()
  const job = (await owner.openJob('tenant'))._unsafeUnwrap()
  const write = (n) => { for (let i = 0; i < n; i++) job.persistPut('c', key(i), new Uint8Array(100)) }
`

/** Runs a program that ends without help; what it left behind. */
async function run(body: string) {
  const folder = storage.folder()
  const ended = await runProgram(folder, OPEN + body)
  const file = join(folder, 'data', 'tenant.db')
  return { ...ended, rows: existsSync(file) ? rowsIn(file).length : -1, folder }
}

describe('a program ends by itself, with everything accepted stored,', () => {
  test.each([
    ['when it closes its owner', 'write(1000); await owner.close()', 0],
    ['when it closes its job', 'write(1000); await job.close()', 0],
    ['when it forgets to close', 'write(1000)', 0],
    ['when it forgets to close after reads', "write(1000); await job.count('c', key())", 0],
    ['when it forgets to wait for a close', 'write(1000); owner.close()', 0],
    ['when it calls process.exit() right after its writes', 'write(1000); process.exit(7)', 7],
    ['when it calls process.exit() with a lot under way', 'write(50_000); process.exit()', 0],
    ['when it calls process.exit() while it closes', 'write(1000); owner.close(); process.exit(3)', 3],
    ['when it calls process.exit() in a later turn', 'write(1000); setImmediate(() => process.exit(3))', 3],
    ['when it dies of an uncaught exception', "write(1000); throw new Error('mine')", 1],
    [
      'when it dies of an exception in a later turn',
      "write(1000); setImmediate(() => { throw new Error('mine') })",
      1
    ],
    ['when it dies of an unhandled rejection', "write(1000); Promise.reject(new Error('mine'))", 1]
  ])('%s', async (_, body, code) => {
    const ended = await run(body)
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code, signal: null })
    expect(ended.rows).toBe(body.includes('50_000') ? 50_000 : 1000)
    if (code !== 1) expect(ended.stderr).toBe('')
    else expect(ended.stderr).toContain('mine')
  })
})

test.each([
  ['of its job', 'job.close()'],
  ['of its owner', 'owner.close()']
])('a program that calls process.exit() while the closing %s has much to do stores all', async (_, close) => {
  const ended = await run(`write(90_000); ${close}; setImmediate(() => process.exit(3))`)
  expect([ended.code, ended.stderr, ended.rows]).toEqual([3, '', 90_000])
})

describe('an exit handler of the program', () => {
  const HANDLER = `
    const late = () => {
      const before = job.queued.ops
      const put = job.persistPut('c', key('late'), new Uint8Array(1))
      put.match(() => console.log('ok'), (error) => console.log(error.code))
      console.log(job.running, job.queued.ops - before)
    }
  `
  test('that comes behind the storage is told that the job is closed', async () => {
    const { stdout, rows } = await run(`${HANDLER} process.on('exit', late); write(10); process.exit(0)`)
    expect([stdout, rows]).toEqual(['false 0\n', 10])
  })

  test('that comes before it may write', async () => {
    const folder = storage.folder()
    const { stdout } = await runProgram(
      folder,
      `let late; process.on('exit', () => late()); ${OPEN} late = () => { write(10); console.log(job.running) }`
    )
    expect([stdout, rowsIn(join(folder, 'data', 'tenant.db')).length]).toEqual(['true\n', 10])
  })
})

/** Runs a program with that many jobs, to each of which it writes. */
async function runJobs(count: number, end: string, options = {}): Promise<void> {
  const folder = storage.folder()
  const ended = await runProgram(
    folder,
    `const { Persistency, key } = persistency
     const options = ${JSON.stringify(options)}
     const owner = Persistency.open({ rootDir: root + '/data', ...options })._unsafeUnwrap()
     const jobs = []
     for (let t = 0; t < ${count}; t++) jobs.push((await owner.openJob('tenant' + t))._unsafeUnwrap())
     for (const job of jobs) {
       for (let i = 0; i < 500; i++) job.persistPut('c', key(i), new Uint8Array(100))
     }
     ${end}`
  )
  expect([ended.code, ended.stderr]).toEqual([0, ''])
  const files = Array.from({ length: count }, (_, t) => join(folder, 'data', `tenant${t}.db`))
  expect(files.map((file) => rowsIn(file).length)).toEqual(files.map(() => 500))
}

test.each([
  ['forgets to close them', ''],
  ['calls process.exit()', 'process.exit(0)']
])('a program with several jobs that %s ends by itself and stores all', (_, end) => runJobs(4, end))

test('a program with 40 jobs, most of their files closed, that calls process.exit() stores all', () =>
  runJobs(40, 'process.exit(0)', { threads: { shared: 2 }, maxOpenJobs: 4, whenIdle: 'close' }))

test('writes made in an exit handler that was there before the job are stored', async () => {
  const folder = storage.folder()
  const ended = await runProgram(folder, `process.on('exit', () => write(1000))\n${OPEN}`)
  expect([ended.code, ended.stderr]).toEqual([0, ''])
  expect(rowsIn(join(folder, 'data', 'tenant.db'))).toHaveLength(1000)
})

test('a program does not wait for a storage thread that died', async () => {
  const started = performance.now()
  const ended = await run(`
    process.on('worker', (worker) => worker.terminate())
    const other = await owner.openJob('other')
    console.log(other.error.code)`)
  expect([ended.code, ended.stdout.trim(), ended.stderr]).toEqual([0, 'ERR_STORAGE_DIED', ''])
  // The wait for threads at the end of the process is cut off after ten seconds.
  expect(performance.now() - started).toBeLessThan(9000)
})

test('a program that closes leaves one file and no log beside it', async () => {
  const ended = await run('write(1000); await owner.close()')
  expect(filesIn(join(ended.folder, 'data'))).toEqual(['tenant.db'])
})

test('a program that opens and uses nothing ends by itself and makes nothing', async () => {
  const folder = storage.folder()
  const source = "persistency.Persistency.open(root + '/data')._unsafeUnwrap()"
  const ended = await runProgram(folder, source)
  expect([ended.code, ended.stderr, existsSync(join(folder, 'data'))]).toEqual([0, '', false])
})

test('a failed open does not keep the program alive', async () => {
  const folder = storage.folder()
  execute(join(folder, 'notes.db'), 'CREATE TABLE notes (text)')
  const ended = await runProgram(
    folder,
    `const options = { rootDir: root }
     const owner = persistency.Persistency.open(options)._unsafeUnwrap()
     console.log((await owner.openJob('notes')).error.code)`
  )
  expect([ended.code, ended.stdout.trim(), ended.stderr]).toEqual([0, 'ERR_FOREIGN_SCHEMA', ''])
})

test('the time limit of a read that was answered does not keep the program alive', async () => {
  const ended = await run("await job.get('c', key(1), { timeoutMs: 60_000 }); write(10)")
  expect([ended.code, ended.rows]).toEqual([0, 10])
})

test('a read that timed out does not keep the program alive', async () => {
  const ended = await run(
    `const locker = new Database(root + '/data/tenant.db')
     locker.exec('BEGIN IMMEDIATE')
     write(10)
     const answer = await job.get('c', key(1), { timeoutMs: 20 })
     console.log(answer.error.code)
     locker.close()`
  )
  expect([ended.code, ended.stdout.trim(), ended.stderr, ended.rows]).toEqual([0, 'ERR_TIMEOUT', '', 10])
})

test('writes that were acknowledged survive SIGKILL', async () => {
  const folder = storage.folder()
  const program = startProgram(
    folder,
    `${OPEN}
     write(1000)
     await job.flush()
     console.log('flushed')
     setInterval(() => {}, 1000)`
  )
  await program.printed('flushed')
  program.kill('SIGKILL')
  expect((await program.ended).signal).toBe('SIGKILL')
  expect(rowsIn(join(folder, 'data', 'tenant.db'))).toHaveLength(1000)
})

describe('a file that stays locked', () => {
  test('fails an opening that gives up early, and the program lives on', async () => {
    const folder = storage.folder()
    execute(join(folder, 'tenant.db'), `${CREATE_KV}; PRAGMA user_version = 1`)
    const ended = await runProgram(
      folder,
      `const { Persistency } = persistency
       const locker = new Database(root + '/tenant.db')
       locker.exec('BEGIN EXCLUSIVE')
       const owner = Persistency.open({ rootDir: root })._unsafeUnwrap()
       const answer = await owner.openJob('tenant', { busyTimeoutMs: 6500, openTimeoutMs: 100 })
       console.log(answer.error.code)
       await owner.close()
       locker.close()`
    )
    expect({ code: ended.code, signal: ended.signal, told: ended.stdout.trim() }).toEqual({
      code: 0,
      signal: null,
      told: 'ERR_TIMEOUT'
    })
  })

  test('has the end of the program say how many accepted writes it cost, and why', async () => {
    const ended = await run(
      `const locked = (await owner.openJob('locked', { busyTimeoutMs: 300 }))._unsafeUnwrap()
       const locker = new Database(root + '/data/locked.db')
       locker.exec('BEGIN IMMEDIATE')
       for (let i = 0; i < 100; i++) locked.persistPut('c', key(i), new Uint8Array(1))
       write(1000)
       process.exit(3)`
    )
    expect([ended.code, ended.rows]).toEqual([3, 1000])
    const line =
      /^persistency: 100 accepted writes of job "locked" could not be stored when the process ended: .*locked\.db.*\n$/
    expect(ended.stderr).toMatch(line)
  })

  test('lets the program end with its exit code', async () => {
    const folder = storage.folder()
    const ended = await runProgram(
      folder,
      `const { Persistency, key } = persistency
       const options = { rootDir: root + '/data' }
       const owner = Persistency.open(options)._unsafeUnwrap()
       const job = (await owner.openJob('tenant', { busyTimeoutMs: 11_000 }))._unsafeUnwrap()
       const locker = new Database(root + '/data/tenant.db')
       locker.exec('BEGIN IMMEDIATE')
       job.persistPut('c', key(1), new Uint8Array(1))
       ${fastClock(5)}
       process.exit(3)`
    )
    expect({ code: ended.code, signal: ended.signal }).toEqual({ code: 3, signal: null })
  })
})
