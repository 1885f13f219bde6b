/** The service of one seismic network. It gets its job injected and knows nothing of files and threads. */
import { type Job, type KeyRange, type KvRow, key, type TxOp } from 'persistency'
import { JOB } from 'persistency/di'
import { inject, injectable } from 'tsyringe'
import type { Quake } from './geojson.js'

const CATEGORY = 'quakes'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Quakes sort by time; the id keeps those of one moment apart. */
export const keyOf = ({ id, properties }: Quake) => key(properties.time, id)
export const encode = (quake: Quake): Uint8Array => encoder.encode(JSON.stringify(quake))
export const decode = (row: KvRow): Quake => JSON.parse(decoder.decode(row.payload))

@injectable()
export class QuakeArchive {
  constructor(@inject(JOB) readonly job: Job) {}

  store(quake: Quake) {
    return this.job.persistPut(CATEGORY, keyOf(quake), encode(quake))
  }

  count(from: KeyRange = { start: key() }) {
    return this.job.count(CATEGORY, from)
  }

  between(from: Date, to: Date, reverse = false) {
    return this.job.scan(CATEGORY, { start: key(from.getTime()), stop: key(to.getTime()) }, { reverse })
  }

  all() {
    return this.job.stream(CATEGORY, key())
  }

  forget(quake: Quake) {
    return this.job.deleteAcked(CATEGORY, keyOf(quake))
  }

  /** Every quake of one moment, whatever its id. */
  forgetMoment(time: number) {
    const op: TxOp = { kind: 'deletePrefix', category: CATEGORY, prefix: key(time) }
    return this.job.persistAcked(op)
  }
}
