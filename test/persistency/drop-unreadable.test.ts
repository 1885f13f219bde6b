import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { PACKAGE_URL } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('dropJob deletes no file that it cannot look into', async () => {
  const { job, root, file } = await storage.open()
  await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }))
  const script = join(storage.folder(), 'drop.mjs')
  writeFileSync(
    script,
    `
    import { openSync, closeSync } from 'node:fs'
    import { Persistency, unwrap } from '${PACKAGE_URL}'
    const persistency = unwrap(Persistency.open({ rootDir: ${JSON.stringify(root)}, threads: 'none' }))
    await unwrap(unwrap(await persistency.openJob('other')).close())
    const codeOf = async () => (await persistency.dropJob('tenant')).match(() => 'ok', (error) => error.code)
    const inUse = await codeOf()
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null')) } catch {}
    const unreadable = await codeOf()
    for (const fd of taken) closeSync(fd)
    console.log(inUse, unreadable)
  `
  )
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 100; exec "$0" "$1"', process.execPath, script])
  expect(String(stdout)).toBe('ERR_JOB_IN_USE ERR_REMOVE\n')
  expect(existsSync(file)).toBe(true)
  await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(2), payload: utf8('x') }))
})

onLinux('restore takes no link to an open job for a backup', async () => {
  const { job, persistency, root, file } = await storage.open()
  await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }))
  const link = join(root, 'link')
  symlinkSync(file, link)
  expect((await errorOf(persistency.restore('other', link))).code).toBe('ERR_JOB_IN_USE')
  expect(readdirSync(root)).not.toContain('other.db')
})
