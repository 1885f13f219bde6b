// Owns a program that opens database files with damage in them. It works in a process of its own, because what is tried
// here could bring a process down. It prints what came of each file as a line of JSON.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { key } from 'persistency'
import { openDatabase } from '../../../dist/persistency/storage/files/database-file.js'
import { storageError } from '../../../dist/persistency/storage/sqlite-errors.js'
import { SqliteStore } from '../../../dist/persistency/storage/sqlite-store.js'

const { folder } = JSON.parse(process.argv[2])
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'))
const PATIENT = { busyTimeoutMs: 0, urgent: () => false }
const OPTIONS = { durability: 'off', cacheSizeBytes: 1 << 20, busyTimeoutMs: 0 }
const everything = { category: 'c', range: { start: key() } }

const attempt = (file, outcome, what, work) => {
  try {
    outcome[what] = work() ?? 'ok'
  } catch (thrown) {
    const { code, backendCode, message } = storageError('ERR_STORAGE', file, thrown)
    outcome[what] = { code, backendCode, message }
  }
}

const rowsOf = (page) => page.rows.map((row) => [row.key.bytes.length, row.payload.length])

for (const [index, damages] of cases.entries()) {
  const file = join(folder, `damaged${index}.db`)
  copyFileSync(join(folder, 'sound.db'), file)
  const bytes = readFileSync(file)
  for (const { at, hex } of damages) bytes.set(Buffer.from(hex, 'hex'), at)
  writeFileSync(file, bytes)
  const outcome = {}
  let store
  attempt(file, outcome, 'open', () => {
    store = new SqliteStore(openDatabase({ file, options: OPTIONS }, PATIENT), PATIENT)
  })
  if (store !== undefined) {
    attempt(
      file,
      outcome,
      'scan',
      () => rowsOf(store.scan({ ...everything, reverse: false, keysOnly: false })).length
    )
    attempt(
      file,
      outcome,
      'reverse',
      () => rowsOf(store.scan({ ...everything, reverse: true, keysOnly: true })).length
    )
    attempt(file, outcome, 'count', () => store.count('c', { start: key() }))
    attempt(file, outcome, 'getMany', () => void store.getMany('c', [key(1), key(50), key(1000)]))
    attempt(file, outcome, 'write', () => {
      store.begin()
      try {
        store.apply([{ kind: 'put', category: 'c', key: key(-1), payload: new Uint8Array(5000) }])
        store.apply([{ kind: 'deletePrefix', category: 'c', prefix: key(3) }])
        store.commit()
      } finally {
        store.rollback()
      }
    })
    attempt(file, outcome, 'close', () => store.close())
  }
  console.log(JSON.stringify(outcome))
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${suffix}`, { force: true })
}
