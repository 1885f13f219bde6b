import { expect, test } from '@jest/globals'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'

const storage = useStorage()
const onPosix = process.platform === 'win32' ? test.skip : test

onPosix('a full disk costs a job with restart no more than another one', async () => {
  const { stdout, stderr } = await runProgram(
    storage.folder(),
    `
    const { Persistency, key, unwrap } = persistency
    process.removeAllListeners('warning')
    const job = await unwrap(unwrap(Persistency.open(root)).openJob('tenant', { restart: true }))
    const put = (n, bytes) => ({ kind: 'put', category: 'c', key: key(n), payload: Buffer.alloc(bytes) })
    let full = 0
    while (full === 0) if ((await job.persistAcked(put(-1 - full, 64 * 1024))).isErr()) full++
    let failed = 0
    for (let n = 0; n < 3000; n++) void job.persist(put(n, 100))
    const got = await job.get('c', key(1), { timeoutMs: 10_000 })
    const flushed = await job.flush({ timeoutMs: 20_000 })
    console.log(got.isOk(), flushed.isErr() && flushed.error.code)
    process.exit()
  `,
    { maxFileKib: 256 }
  )
  expect([stdout, stderr]).toEqual(['true ERR_WRITES_LOST\n', ''])
})
