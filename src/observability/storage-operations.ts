/** Owns what the requests of a job to its storage are called in reports: as the methods of `Job`. */
import { KvCount, KvDelete, KvExists, KvFlush, KvGet, KvGetMany, KvScan } from '../persistency/messages.js'

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
