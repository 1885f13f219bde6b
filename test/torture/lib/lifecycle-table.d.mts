export const JOB_STATES: readonly ['open', 'closing', 'closed', 'failed']
export const ID_STATES: readonly [
  'before open',
  'opening',
  'open',
  'closing',
  'closed',
  'failed',
  'owner closing',
  'owner closed'
]
export const JOB_CALLS: Readonly<Record<string, readonly string[]>>
export const PERSISTENCY_CALLS: Readonly<Record<string, readonly string[]>>
