import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { type Job, type KvRow, key, rawKey } from 'persistency'
import { filesIn, type OpenedJob, useStorage } from '../support/storage-folder.js'
import { hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { type PlainRow, rowsIn, schemaOf, withDatabase } from '../support/storage-sqlite.js'

const storage = useStorage()

const FIXTURES = join(import.meta.dirname, '../fixtures')
const original = JSON.parse(readFileSync(join(FIXTURES, 'original.db.json'), 'utf8')) as {
  readonly schemaSql: readonly string[]
  readonly counts: Readonly<Record<string, number>>
  readonly rows: readonly PlainRow[]
}
const ROWS = original.rows.map(({ category, key, payload }) => ({ category, key, payload }))

/** A copy of the file that the original library wrote, opened as a job. */
async function openOriginal(): Promise<OpenedJob> {
  const root = storage.folder()
  copyFileSync(join(FIXTURES, 'original.db'), join(root, 'tenant.db'))
  return storage.open({}, root)
}

const plain = (category: string, rows: readonly KvRow[]): PlainRow[] =>
  rows.map(({ key, payload }) => ({ category, key: hexOf(key.bytes), payload: hexOf(payload) }))

async function everything(job: Job): Promise<PlainRow[]> {
  const found: PlainRow[] = []
  for (const category of Object.keys(original.counts)) {
    found.push(...plain(category, await okOf(job.scan(category, keyOf()))))
  }
  return found
}

test('every row of the original is there, in its order', async () => {
  const { job } = await openOriginal()
  expect(ROWS).toHaveLength(52)
  expect(await everything(job)).toEqual(ROWS)
  for (const [category, count] of Object.entries(original.counts)) {
    expect(await okOf(job.count(category, keyOf()))).toBe(count)
    const backwards = await okOf(job.scan(category, keyOf(), { reverse: true }))
    expect(plain(category, backwards).reverse()).toEqual(ROWS.filter((row) => row.category === category))
  }
})

test('each row is found by its key, in its own category', async () => {
  const { job } = await openOriginal()
  for (const row of ROWS) {
    const address = rawKey(Buffer.from(row.key, 'hex'))
    expect(hexOf((await okOf(job.get(row.category, address))) as Uint8Array)).toBe(row.payload)
  }
  const shared = key('shared', 1)
  const both = await Promise.all(['msg', 'outgoing'].map((name) => okOf(job.get(name, shared))))
  expect(textOf(both[0])).not.toBe(textOf(both[1]))
  expect(await okOf(job.exists('sds.log', shared))).toBe(false)
})

test('opening and reading it leaves its rows and its layout as they were', async () => {
  const { job, file, root } = await openOriginal()
  await everything(job)
  await okOf(job.close())
  expect(filesIn(root)).toEqual(['tenant.db'])
  expect(rowsIn(file)).toEqual(ROWS)
  expect(schemaOf(file)).toEqual(original.schemaSql.map((sql) => sql.replace(/\s+/g, ' ')))
  const facts = withDatabase(file, (db) => ({
    version: db.pragma('user_version', { simple: true }),
    mode: db.pragma('journal_mode', { simple: true }),
    check: db.pragma('integrity_check', { simple: true })
  }))
  expect(facts).toEqual({ version: 1, mode: 'wal', check: 'ok' })
})

test('what is written to it stands beside the rows of the original', async () => {
  const { job, file } = await openOriginal()
  const first = ROWS[0] as PlainRow
  const firstKey = rawKey(Buffer.from(first.key, 'hex'))
  await okOf(job.persistPut('msg', firstKey, utf8('replaced')))
  await okOf(job.persistDelete('outgoing', key('shared', 1)))
  await okOf(job.persistPut('', keyOf(), new Uint8Array(0)))
  await okOf(job.close())
  const expected = [
    { category: '', key: '', payload: '' },
    { ...first, payload: hexOf(utf8('replaced')) },
    ...ROWS.slice(1).filter((row) => row.category !== 'outgoing' || row.key !== hexOf(key('shared', 1).bytes))
  ]
  expect(rowsIn(file)).toEqual(expected)
  const columns = withDatabase(file, (db) => db.pragma('table_info(kv)')) as { name: string; type: string }[]
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'category BLOB',
    'key BLOB',
    'payload BLOB'
  ])
  expect(withDatabase(file, (db) => db.pragma('user_version', { simple: true }))).toBe(1)
})

test('a file made here has the layout of the original', async () => {
  const { job, file } = await storage.open()
  await okOf(job.close())
  expect(schemaOf(file)).toEqual(schemaOf(join(storageCopy(), 'original.db')))
})

function storageCopy(): string {
  const folder = storage.folder()
  copyFileSync(join(FIXTURES, 'original.db'), join(folder, 'original.db'))
  return folder
}
