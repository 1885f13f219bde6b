// Owns a program whose directory may not be written to for a while. It must not run as root, whom nobody forbids.

import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { key, Persistency } from 'persistency'
import { check, checkEqual } from '../lib/checks.mjs'

const { folder } = JSON.parse(process.argv[2])
const root = join(folder, 'data')
const put = { kind: 'put', category: 'c', key: key(1), payload: new Uint8Array(10) }

function checkRefused(answer, codes, path) {
  check(answer.isErr(), 'went well in a directory that is read-only')
  const { code, message, backendCode } = answer.error
  check(codes.includes(code), `has the code ${code}: ${message}`)
  check(message.includes(path), `does not name ${path}: ${message}`)
  check(/permission|read-only|may write/.test(message), `names no remedy: ${message}`)
  return `${code} ${backendCode}`
}

const seen = []
chmodSync(folder, 0o500)
const owner = Persistency.open(root)._unsafeUnwrap()
seen.push(checkRefused(await owner.openJob('tenant'), ['ERR_CREATE_DIR'], root))
chmodSync(folder, 0o700)
mkdirSync(root)
chmodSync(root, 0o500)
seen.push(checkRefused(await owner.openJob('tenant'), ['ERR_OPEN'], join(root, 'tenant.db')))
chmodSync(root, 0o700)
const job = (await owner.openJob('tenant'))._unsafeUnwrap()
;(await job.persistAcked(put))._unsafeUnwrap()
;(await job.close())._unsafeUnwrap()
// The file is there now, but what SQLite puts beside it cannot be.
chmodSync(root, 0o500)
seen.push(checkRefused(await owner.openJob('tenant'), ['ERR_OPEN'], join(root, 'tenant.db')))
seen.push(
  checkRefused(
    await owner.dropJob('tenant'),
    ['ERR_REMOVE', 'ERR_JOB_IN_USE', 'ERR_OPEN'],
    join(root, 'tenant.db')
  )
)
chmodSync(root, 0o700)
chmodSync(join(root, 'tenant.db'), 0o400)
seen.push(checkRefused(await owner.openJob('tenant'), ['ERR_OPEN'], join(root, 'tenant.db')))
chmodSync(join(root, 'tenant.db'), 0o600)
const again = (await owner.openJob('tenant'))._unsafeUnwrap()
checkEqual((await again.count('c', key()))._unsafeUnwrap(), 1, 'rows that were there')
;(await again.persistAcked(put))._unsafeUnwrap()
;(await owner.close())._unsafeUnwrap()
console.log(JSON.stringify(seen))
