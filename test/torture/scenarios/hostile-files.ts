/** Owns the torture by database files with damage anywhere in them. */
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { key, Persistency } from 'persistency'
import { check, checkEqual } from '../lib/checks.mjs'
import { runChild } from '../lib/children.js'
import type { Random } from '../lib/random.js'
import type { Scenario } from '../lib/scenario.js'

const FILES = { short: 150, long: 1000 }
const PAGE_BYTES = 4096

interface Refused {
  readonly code: string
  readonly backendCode?: string
  readonly message: string
}

/** By what was tried: a value, or what it was refused with. See `children/damaged-files.mjs`. */
type Outcome = Readonly<Record<string, string | number | Refused>>

export const hostileFiles: Scenario = {
  name: 'hostile-files',
  promise: 'a damaged database file is read as far as it is sound, or refused by name; no process dies of it',
  rounds: { short: 1, long: 50 },
  async round({ form, random, folder, count }) {
    const file = join(folder, 'sound.db')
    await make(folder)
    const size = statSync(file).size
    const cases = Array.from({ length: FILES[form] }, () => damagesOf(size, random))
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
    const outcomes = (await runChild('damaged-files', { folder }, { limitMs: 300_000 })) as Outcome[]
    checkEqual(outcomes.length, cases.length, 'files that were tried')
    for (const [index, outcome] of outcomes.entries()) {
      for (const [what, came] of Object.entries(outcome)) {
        if (typeof came !== 'object') continue
        const typed = came.code === 'ERR_STORAGE' ? came.backendCode?.startsWith('SQLITE') === true : true
        check(
          typed && came.message.includes(folder),
          `${what}: ${JSON.stringify(came)}; ${JSON.stringify(cases[index])}`
        )
        count(`refusals with ${came.backendCode ?? came.code}`)
      }
    }
    count('damaged files', cases.length)
  }
}

async function make(folder: string): Promise<void> {
  const owner = Persistency.open(folder)._unsafeUnwrap()
  const job = (await owner.openJob('sound'))._unsafeUnwrap()
  for (let n = 0; n < 300; n++) {
    void job.persistPut('c', key(n), new Uint8Array(n % 50 === 0 ? 9000 : n % 40).fill(n))
  }
  ;(await owner.close())._unsafeUnwrap()
}

interface Damage {
  readonly at: number
  readonly hex: string
}

/** Mostly where it hurts: in the header of the file, and in the headers of its pages. */
function damagesOf(size: number, random: Random): Damage[] {
  return Array.from({ length: random.integer(1, 3) }, () => {
    const start = random.integer(0, size / PAGE_BYTES - 1) * PAGE_BYTES
    const at = random.pick([
      random.integer(0, 99),
      start + random.integer(0, 11),
      start + random.integer(12, 200),
      random.integer(0, size - 17)
    ])
    const bytes = random.chance(0.5)
      ? random.bytes(random.integer(1, 16))
      : new Uint8Array(random.integer(1, 16)).fill(random.pick([0, 0xff, 0x80]))
    return { at, hex: Buffer.from(bytes).toString('hex') }
  })
}
