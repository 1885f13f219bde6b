/** Owns telling who asks for an open job with other options that they are not those in force. */
import { inspect, isDeepStrictEqual } from 'node:util'
import { warnThrottled } from '../runtime/warnings.js'
import type { Job } from './job.js'
import type { JobOptions, ResolvedJobOptions } from './options.js'

/** Warns when an option that was `asked` for, `wanted` once it was checked, differs from what the job was opened with. */
export function tellIgnored(job: Job, rootDir: string, asked: JobOptions, wanted: ResolvedJobOptions): void {
  // Of an open job, `create` asks for nothing.
  const { create: _, ...inForce } = job.options
  const names = Object.keys(inForce) as (keyof typeof inForce)[]
  const ignored = names.filter(
    (name) => asked[name] !== undefined && !isDeepStrictEqual(wanted[name], inForce[name])
  )
  if (ignored.length === 0) return
  const differences = ignored.map(
    (name) => `${name} is ${inspect(inForce[name])}, not ${inspect(wanted[name])}`
  )
  warnThrottled(
    'PERSISTENCY_OPTIONS_IGNORED',
    `options of job "${job.id}" (${rootDir}) are ignored`,
    `${differences.join(', ')}; only those of the call that opens it count`
  )
}
