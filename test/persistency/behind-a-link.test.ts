/** A job whose file is a link to one in another directory. SQLite keeps its log there. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { LogSync } from '../../dist/persistency/storage/log-sync.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'

const storage = useStorage()
const onPosix = process.platform === 'win32' ? test.skip : test

/** Moves the file of a job that is not open, and leaves a link. */
function moveAway(file: string): string {
  const away = join(storage.folder(), 'elsewhere.db')
  renameSync(file, away)
  symlinkSync(away, file)
  return away
}

onPosix('stats tells the size of the log', async () => {
  const { persistency, job, file } = await storage.open()
  await okOf(job.close())
  const away = moveAway(file)
  const again = await okOf(persistency.openJob('tenant'))
  await okOf(again.putAcked('c', key(1), new Uint8Array(50_000)))
  const { walBytes } = await okOf(again.stats())
  expect(walBytes).toBeGreaterThan(50_000)
  expect(walBytes).toBe(statSync(`${away}-wal`).size)
})

onPosix('dropJob deletes the file and the link', async () => {
  const { persistency, job, root, file } = await storage.open()
  await okOf(job.close())
  const away = moveAway(file)
  writeFileSync(`${away}-journal`, '')
  await okOf(persistency.dropJob('tenant'))
  expect(filesIn(root)).toEqual([])
  expect(filesIn(join(away, '..'))).toEqual([])
})

onPosix('dropJob deletes the link alone when the file is that of another job', async () => {
  const { persistency, job, root } = await storage.open()
  await okOf(job.putAcked('c', key(1), new Uint8Array(9)))
  await okOf(job.close())
  symlinkSync('tenant.db', join(root, 'other.db'))
  await okOf(persistency.dropJob('other'))
  expect(filesIn(root)).toEqual(['tenant.db'])
  const again = await okOf(persistency.openJob('tenant'))
  expect(await okOf(again.exists('c', key(1)))).toBe(true)
})

onPosix('dropJob deletes a link that leads nowhere', async () => {
  const { persistency, job, root, file } = await storage.open()
  await okOf(job.close())
  renameSync(moveAway(file), join(storage.folder(), 'kept.db'))
  await okOf(persistency.dropJob('tenant'))
  expect(filesIn(root)).toEqual([])
})

onPosix('the log is brought to the disk beside the work', async () => {
  const file = join(storage.folder(), 'tenant.db')
  writeFileSync(file, '')
  const log = `${moveAway(file)}-wal`
  // Opening it waits for somebody who writes to it.
  execFileSync('mkfifo', [log])
  const sync = new LogSync(file)
  sync.wrote(1, 2 ** 30)
  const opened = await Promise.race([sync.idle().then(() => false), setTimeout(100, true)])
  closeSync(openSync(log, 'r+'))
  await sync.idle()
  expect(opened).toBe(true)
})
