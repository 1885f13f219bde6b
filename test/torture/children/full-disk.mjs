// Owns a program that runs against a disk that fills up, or a limit on the size of files: writes must fail with a typed
// error, reads must go on, nothing that was there may be lost, and with room again writing must work again.

import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EventBroker, key, Persistency, PersistFailed } from 'persistency'
import { check, checkEqual } from '../lib/checks.mjs'

const { root, limited } = JSON.parse(process.argv[2])
const file = join(root, 'tenant.db')
const filler = join(root, 'filler')

const okOf = async (answer) => {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}
const put = (n, bytes = 2000) => ({
  kind: 'put',
  category: 'c',
  key: key(n),
  payload: new Uint8Array(bytes).fill(n)
})

/** Takes all the room that is left, down to the last byte. */
function fill() {
  for (const block of [1 << 16, 1 << 12, 512, 1]) {
    for (let full = false; !full; ) {
      try {
        writeFileSync(filler, new Uint8Array(block), { flag: 'a' })
      } catch {
        full = true
      }
    }
  }
  const { bavail } = statfsSync(root)
  checkEqual(bavail, 0, 'blocks that are left')
}

function checkFull(error, what) {
  check(error !== undefined, `${what}: went well on a full disk`)
  checkEqual([error.kind, error.code], ['backend', 'ERR_STORAGE'], what)
  check(/SQLITE_(FULL|IOERR)/.test(error.backendCode), `${what}: has the code ${error.backendCode}`)
  check(error.message.includes(file), `${what}: does not name the file: ${error.message}`)
  check(/full|free space/.test(error.message), `${what}: names no remedy: ${error.message}`)
}

const owner = Persistency.open(root)._unsafeUnwrap()
const job = await okOf(owner.openJob('tenant', { durability: 'full' }))
const failed = []
new EventBroker(undefined, job.context).listen(PersistFailed, ({ seq, error }) => failed.push([seq, error]))
for (let n = 0; n < 50; n++) await okOf(job.persistAcked(put(n)))

if (!limited) fill()
let last = 50
let refused
// Small writes may still find room in pages that are there.
for (; refused === undefined && last < 5000; last++) {
  const answer = await job.persistAcked(put(last, 20_000))
  if (answer.isErr()) refused = answer.error
}
last--
checkFull(refused, 'an acknowledged write')
check((await job.persist(put(5000, 20_000))).isOk(), 'a write that nobody waits for was not accepted')
const flushed = await job.flush()
checkEqual(flushed.isErr() && flushed.error.code, 'ERR_WRITES_LOST', 'the flush')
checkFull(failed.at(-1)?.[1], 'PersistFailed')
checkEqual(await okOf(job.count('c', key())), last, 'rows on the full disk')
checkEqual((await okOf(job.get('c', key(7))))[0], 7, 'a row on the full disk')

if (!limited) {
  const other = await owner.openJob('other')
  if (other.isErr()) {
    check(
      other.error.message.includes(join(root, 'other.db')),
      `opening: names no file: ${other.error.message}`
    )
    check(['ERR_OPEN', 'ERR_STORAGE'].includes(other.error.code), `opening: ${other.error.code}`)
  }
  rmSync(filler)
  await okOf(job.persistAcked(put(6000)))
  await okOf(owner.openJob('other'))
} else await okOf(owner.openJob('other'))
await okOf(owner.close())

const again = Persistency.open(root)._unsafeUnwrap()
const reopened = await okOf(again.openJob('tenant'))
const expected = limited ? last : last + 1
checkEqual(await okOf(reopened.count('c', key())), expected, 'rows after all')
await okOf(again.close())
check(!existsSync(`${file}-wal`), 'the log was left behind')
console.log(JSON.stringify({ rows: expected, backendCode: refused.backendCode }))
