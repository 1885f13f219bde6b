/** Owns which requests are those of the library itself, and what those of a job are called in reports: as the methods of `Job`. */
import { KvCount, KvDelete, KvExists, KvFlush, KvGet, KvGetMany, KvScan } from '../persistency/messages.js'
import { STORAGE_CONTRACT } from '../persistency/storage/contract.js'
import { CONTROL_CONTRACT } from '../threads/control.js'

/** By the name of the request. */
export const STORAGE_OPERATIONS: ReadonlyMap<string, string> = new Map([
  [KvGet.name, 'get'],
  [KvGetMany.name, 'getMany'],
  [KvExists.name, 'exists'],
  [KvScan.name, 'scan'],
  [KvCount.name, 'count'],
  [KvDelete.name, 'deleteAcked'],
  [KvFlush.name, 'flush']
])

/** The names of what jobs ask of their storage, and hosts of their workers. */
export const OWN_REQUESTS: ReadonlySet<string> = new Set(
  [...STORAGE_CONTRACT.toWorker, ...CONTROL_CONTRACT.toWorker]
    .filter(({ kind }) => kind === 'request')
    .map(({ name }) => name)
)
