/** Owns what the plots show: which numbers of a frame, and how they add up. */
import { bytes, count, milliseconds } from './format.js'

/** Values of one number of every tenant in view; a tenant that was idle has zero. */
const always = (name) => (frame, ids) => ids.map((id) => ({ id, value: frame.tenants.get(id)?.[name] ?? 0 }))

const total = (present) => present.reduce((sum, { value }) => sum + value, 0)

export const PLOTS = [
  {
    name: 'operations',
    title: 'Operations',
    kind: 'lines',
    labelled: true,
    least: 10,
    values: always('opsPerSecond'),
    format: count,
    summary: (present) => count(total(present)),
    note: () => 'committed per second'
  },
  {
    name: 'bytes',
    title: 'Bytes',
    kind: 'lines',
    least: 1000,
    values: always('bytesPerSecond'),
    format: bytes,
    summary: (present) => bytes(total(present)),
    note: () => 'per second'
  },
  {
    name: 'queue',
    title: 'Queue',
    kind: 'lines',
    least: 10,
    values: always('queuedOps'),
    format: count,
    summary: (present) => count(total(present)),
    note: () => 'at its longest'
  },
  {
    name: 'latency',
    title: 'Commit',
    kind: 'lines',
    log: true,
    values: (frame, ids) =>
      ids.flatMap((id) => {
        const { medianCommitMs = null, slowestCommitMs = 0 } = frame.tenants.get(id) ?? {}
        return medianCommitMs === null ? [] : [{ id, value: medianCommitMs, upTo: slowestCommitMs }]
      }),
    format: milliseconds,
    summary: (present) => milliseconds(middle(present.map(({ value }) => value))),
    note: (present) => {
      const slowest = Math.max(0, ...present.map(({ upTo }) => upTo))
      return slowest === 0 ? 'median' : `median, max ${milliseconds(slowest)}`
    }
  },
  {
    name: 'failures',
    title: 'Failures',
    kind: 'bars',
    least: 3,
    values: always('failures'),
    format: count,
    summary: (present) => count(total(present)),
    note: () => 'writes lost'
  }
]

function middle(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? null
}
