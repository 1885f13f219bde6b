// Owns a read model of the batches that a durable subscription keeps in the same file: of how many it was told, and the
// number of the last. Batches are numbered from 1 without a hole, so both are the same as long as each came exactly once.

import { key } from 'persistency'
import { COUNTER, unsealed } from './batches.mjs'

export const MIRROR = 'mirror'

export async function mirrorBatches(job, writer) {
  const own = key(writer)
  const opened = await job.subscription(
    'mirror',
    async ({ ops }) => {
      const counter = ops.find((op) => op.kind === 'put' && op.category === COUNTER)
      if (counter === undefined) return undefined
      const { count } = mirrored((await job.get(MIRROR, own))._unsafeUnwrap())
      const payload = Buffer.from(JSON.stringify({ count: count + 1, last: unsealed(counter.payload).n }))
      return { kind: 'put', category: MIRROR, key: own, payload: new Uint8Array(payload) }
    },
    { writes: true }
  )
  return opened._unsafeUnwrap()
}

/** What a row of the read model says; none is one of no batches. */
export function mirrored(payload) {
  return payload === undefined ? { count: 0, last: 0 } : JSON.parse(Buffer.from(payload).toString())
}
