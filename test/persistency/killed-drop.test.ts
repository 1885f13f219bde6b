/** A job whose drop is cut short is there as it was. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { startProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

test('a drop that is killed takes nothing of what a crash has left in the log', async () => {
  const { job, file } = await storage.open()
  for (let n = 0; n < 100; n++) await okOf(job.putAcked('c', key(n), utf8('x')))
  const root = storage.folder()
  for (const suffix of ['', '-wal']) copyFileSync(file + suffix, join(root, `tenant.db${suffix}`))
  const program = startProgram(
    root,
    `const { default: fs } = await import('node:fs')
    const { syncBuiltinESMExports } = await import('node:module')
    const { rmSync } = fs
    fs.rmSync = (path, ...rest) => {
      rmSync(path, ...rest)
      if (path === root + '/tenant.db-wal') process.kill(process.pid, 'SIGKILL')
    }
    syncBuiltinESMExports()
    const jobs = persistency.Persistency.open({ rootDir: root, threads: 'none' })._unsafeUnwrap()
    await jobs.dropJob('tenant')`
  )
  expect((await program.ended).signal).toBe('SIGKILL')
  const again = (await storage.open({}, root)).job
  expect(await okOf(again.count('c', key()))).toBe(100)
})
