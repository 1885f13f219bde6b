import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { key, type PersistencyOptions } from 'persistency'
import { runProgram } from '../support/storage-child.js'
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
