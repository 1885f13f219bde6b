/** The file of a new job: complete before anybody finds it, and what it is like. */
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'
import { schemaOf, withDatabase } from '../support/storage-sqlite.js'

const storage = useStorage()

test('is laid out as SQLite lays one out', async () => {
  const made = await storage.open()
  const root = storage.folder()
  const emptyFile = join(root, 'tenant.db')
  writeFileSync(emptyFile, '')
  const laidOut = await storage.open({}, root)
  await okOf(made.job.close())
  await okOf(laidOut.job.close())
  expect(schemaOf(made.file)).toEqual(schemaOf(emptyFile))
  const [one, other] = [made.file, emptyFile].map((file) => readFileSync(file))
  // The counters of changes, and the version of who has written last.
  for (const at of [24, 25, 26, 27, ...Array.from({ length: 8 }, (_, n) => 92 + n)]) {
    one?.fill(0, at, at + 1)
    other?.fill(0, at, at + 1)
  }
  expect(one?.equals(other as Buffer)).toBe(true)
  expect(withDatabase(made.file, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok')
})

test('is whole without its log', async () => {
  const { file } = await storage.open()
  expect(statSync(`${file}-wal`).size).toBe(0)
  const copy = join(storage.folder(), 'copy.db')
  copyFileSync(file, copy)
  expect(schemaOf(copy)).toEqual(schemaOf(file))
})

test('does not take the log that a file has left behind which was there before', async () => {
  const { job, file, root } = await storage.open()
  await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('a'), payload: utf8('of the former') }))
  const log = readFileSync(`${file}-wal`)
  expect(log.length).toBeGreaterThan(0)
  const persistency = storage.owner(root)
  await okOf(job.close())
  await okOf(persistency.dropJob('tenant'))
  writeFileSync(`${file}-wal`, log)
  const again = await okOf(persistency.openJob('tenant'))
  expect(await okOf(again.count('c', key()))).toBe(0)
  await okOf(again.persistAcked({ kind: 'put', category: 'c', key: key('b'), payload: utf8('new') }))
  expect(await okOf(again.count('c', key()))).toBe(1)
})
