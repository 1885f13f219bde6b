/** Owns the check on the ids of jobs. */
import { ok } from 'neverthrow'
import { describeValue } from '../describe.js'
import { type Checked, refuse } from './checked.js'

const JOB_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
/** Windows takes these for devices, in any case and with any ending: what is written to them is gone. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** A job id is a name, not a path. Errors: `ERR_JOB_ID`. */
export function checkJobId(id: unknown): Checked<string> {
  if (typeof id === 'string' && JOB_ID.test(id)) {
    if (process.platform !== 'win32' || !DEVICE.test(id)) return ok(id)
    return refuse(
      'ERR_JOB_ID',
      `Windows keeps the name ${JSON.stringify(id)} for a device; choose another id`
    )
  }
  const rule = '1 to 128 characters out of letters, digits, ".", "_" and "-", not starting with a dot'
  return refuse('ERR_JOB_ID', `a job id is a name of ${rule}; got ${describeValue(id)}`)
}
