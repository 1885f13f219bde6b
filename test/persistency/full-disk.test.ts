import { expect, test } from '@jest/globals'
import type { PersistencyOptions } from 'persistency'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'

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
