/** Owns the torture by load: more than the disk takes, many tenants at once, and very many operations. */
import { join } from 'node:path'
import { check, checkEqual } from '../lib/checks.mjs'
import { runChild } from '../lib/children.js'
import type { Scenario } from '../lib/scenario.js'

const MEGABYTE = 2 ** 20
const LIMIT_BYTES = 4 * MEGABYTE
const LONG_MS = 3_600_000
/** Keys that the writer of `children/load.mjs` goes through, over and over. */
const MARATHON_KEYS = 20_000

export const overload: Scenario = {
  name: 'overload',
  promise:
    'writes offered faster than the disk takes them stay within the limit, reads are answered, nothing is lost',
  rounds: { short: 1, long: 1 },
  async round({ form, folder, count, figure }) {
    const seconds = form === 'short' ? 2 : 60
    const settings = { kind: 'overload', root: join(folder, 'data'), seconds }
    const [told] = (await runChild('load', settings, { limitMs: LONG_MS })) as [Record<string, number>]
    const { offered = 0, accepted = 0, refused = 0, mostQueued = 0, rows, max = 0 } = told
    check(refused > 0, 'the disk took everything: that was no load')
    checkEqual(accepted + refused, offered, 'writes with an answer')
    check(mostQueued <= LIMIT_BYTES, `${mostQueued} bytes were queued, of ${LIMIT_BYTES}`)
    checkEqual(rows, accepted, 'rows, of the writes that were accepted')
    check(max < 30_000, `a read took ${max} ms`)
    count('writes offered', offered)
    count('writes accepted', accepted)
    count('reads under load', told['reads'] ?? 0)
    figure('offered for each that was accepted', offered / accepted, '')
    figure('most queued', mostQueued / MEGABYTE, 'MiB of 4')
    figure('most resident memory', (told['mostResident'] ?? 0) / MEGABYTE, 'MiB')
    figure('read, median', told['p50'] ?? 0, 'ms')
    figure('read, 99 of 100', told['p99'] ?? 0, 'ms')
    figure('read, slowest', max, 'ms')
  }
}

export const crowd: Scenario = {
  name: 'crowd',
  promise: 'many tenants at once each hold what they wrote, and nothing of another',
  rounds: { short: 1, long: 1 },
  async round({ form, folder, count, figure }) {
    const tenants = form === 'short' ? 12 : 200
    const settings = { kind: 'crowd', root: join(folder, 'data'), tenants, operations: tenants * 200 }
    const [told] = (await runChild('load', settings, { limitMs: LONG_MS })) as [Record<string, number>]
    checkEqual(told['complete'], tenants, 'tenants that hold exactly what they wrote')
    count('tenants at once', tenants)
    figure('to open all', told['openMs'] ?? 0, 'ms')
    figure('for everything', told['allMs'] ?? 0, 'ms')
    figure('resident memory', (told['resident'] ?? 0) / MEGABYTE, 'MiB')
  }
}

export const marathon: Scenario = {
  name: 'marathon',
  promise: 'the heap is as large after very many operations as after the first of them',
  rounds: { short: 1, long: 1 },
  async round({ form, folder, count, figure }) {
    const operations = form === 'short' ? 100_000 : 10_000_000
    const settings = { kind: 'marathon', root: join(folder, 'data'), operations }
    const [answer] = await runChild('load', settings, { flags: ['--expose-gc'], limitMs: LONG_MS })
    const told = answer as { heaps: number[]; distinct: number; tookMs: number; resident: number }
    checkEqual(told.distinct, Math.min(operations, MARATHON_KEYS), 'rows')
    const [first = 0, ...later] = told.heaps
    const growth = (Math.max(...later) - first) / MEGABYTE
    check(growth < 4, `the heap grew by ${growth} MiB: ${told.heaps.join(' ')}`)
    count('operations', operations)
    figure('heap after a tenth', first / MEGABYTE, 'MiB')
    figure('most growth after that', growth, 'MiB')
    figure('resident memory', told.resident / MEGABYTE, 'MiB')
    figure('operations a second', operations / (told.tookMs / 1000), '')
  }
}
