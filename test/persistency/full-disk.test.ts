import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { key, type PersistencyOptions } from 'persistency'
import { runProgram, startProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'

const storage = useStorage()
const onPosix = process.platform === 'win32' ? test.skip : test

onPosix.each<Pick<PersistencyOptions, 'threads' | 'restart'>>([
  { threads: 'dedicated', restart: true },
  { threads: { shared: 1 } },
  { threads: 'none' }
])('with %j a full disk fails thousands of writes in little time', async (options) => {
  const { stdout, stderr } = await runProgram(
    storage.folder(),
    `
    const { Persistency, key, unwrap } = persistency
    process.removeAllListeners('warning')
    const owner = unwrap(Persistency.open({ rootDir: root, ...${JSON.stringify(options)} }))
    const job = await unwrap(owner.openJob('tenant'))
    const put = (n, bytes) => ({ kind: 'put', category: 'c', key: key(n), payload: Buffer.alloc(bytes) })
    let filling = 0
    while ((await job.persistAcked(put(--filling, 64 * 1024))).isOk()) {}
    for (let n = 0; n < 3000; n++) void job.persist(put(n, 1000))
    const got = await job.get('c', key(1), { timeoutMs: 10_000 })
    const flushed = await job.flush({ timeoutMs: 20_000 })
    console.log(got.isOk(), flushed.isErr() && flushed.error.code)
    process.exit()
  `,
    { maxFileKib: 256 }
  )
  expect([stdout, stderr]).toEqual(['true ERR_WRITES_LOST\n', ''])
})

onPosix.each<Pick<PersistencyOptions, 'threads'>>([{ threads: 'dedicated' }, { threads: 'none' }])(
  'with %j a job whose log has no room in its file is dropped all the same',
  async (options) => {
    const { job, file } = await storage.open()
    await okOf(job.putAcked('c', key(1), new Uint8Array(500 * 1024)))
    const root = storage.folder()
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, join(root, `tenant.db${suffix}`))
    const { stdout, stderr } = await runProgram(
      root,
      `
    const owner = persistency.unwrap(persistency.Persistency.open({ rootDir: root, ...${JSON.stringify(options)} }))
    const dropped = await owner.dropJob('tenant')
    console.log(dropped.isOk() || dropped.error.message)
  `,
      { maxFileKib: 64 }
    )
    expect([stdout, stderr]).toEqual(['true\n', ''])
    expect(filesIn(root).filter((name) => name.startsWith('tenant'))).toEqual([])
  }
)

/** What SQLite keeps in memory for a log is larger as a file, which it then cannot make. */
const NO_ROOM_FOR_A_LOG = { maxFileKib: 16 }

onPosix.each<Pick<PersistencyOptions, 'threads'>>([{ threads: { shared: 1 } }, { threads: 'none' }])(
  'with %j a sound file that cannot be looked at for a full disk is not called damaged',
  async (options) => {
    const root = storage.folder()
    // It makes the log that the program has no room for, until it is closed itself.
    const maker = storage.owner(root)
    for (const id of ['tenant', 'other']) await okOf(maker.openJob(id))
    const program = startProgram(
      root,
      `
      const { Persistency, unwrap } = persistency
      const options = { maxOpenJobs: 1, whenIdle: 'close', ...${JSON.stringify(options)} }
      const owner = unwrap(Persistency.open({ rootDir: root, ...options }))
      const job = await unwrap(owner.openJob('tenant'))
      await unwrap(owner.openJob('other'))
      console.log('opened')
      process.stdin.resume()
      await new Promise((resolve) => process.stdin.once('end', resolve))
      const told = (answer) => answer.match(JSON.stringify, ({ code, backendCode }) => code + ' ' + backendCode)
      console.log(told(await job.verify()))
      console.log(told(await job.get('c', persistency.key(1))))
      process.exit()
    `,
      NO_ROOM_FOR_A_LOG
    )
    await program.printed('opened')
    await okOf(maker.close())
    program.endInput()
    const { stdout, stderr } = await program.ended
    expect([stdout.split('\n'), stderr]).toEqual([
      ['opened', 'ERR_STORAGE SQLITE_IOERR_SHMSIZE', 'ERR_OPEN SQLITE_IOERR_SHMSIZE', ''],
      ''
    ])
  }
)

onPosix('a sound file that cannot be restored for a full disk is not called damaged', async () => {
  const { job, file } = await storage.open()
  await okOf(job.close())
  const { stdout, stderr } = await runProgram(
    storage.folder(),
    `
    const owner = persistency.unwrap(persistency.Persistency.open({ rootDir: root }))
    const { code, backendCode } = (await owner.restore('tenant', ${JSON.stringify(file)}))._unsafeUnwrapErr()
    const { readdirSync } = await import('node:fs')
    console.log(code, backendCode, readdirSync(root).filter((name) => name.startsWith('tenant')))
  `,
    NO_ROOM_FOR_A_LOG
  )
  expect([stdout, stderr]).toEqual(['ERR_RESTORE SQLITE_IOERR_SHMSIZE []\n', ''])
})
