// Owns what every call answers in every state: the tests are made from this table, and so is docs/lifecycle-calls.md.
// An answer is `ok`, the code of an error, or what the words after the table say.

/** States of a handle, which there is from the opening on. */
export const JOB_STATES = ['open', 'closing', 'closed', 'failed']

/** States of an id, and at the end of its owner. */
export const ID_STATES = [
  ...['before open', 'opening', 'open', 'closing', 'closed', 'failed'],
  ...['owner closing', 'owner closed']
]

const REFUSED = ['ok', 'ERR_JOB_CLOSED', 'ERR_JOB_CLOSED', 'ERR_JOB_CLOSED']
const OK = ['ok', 'ok', 'ok', 'ok']

/** Methods and properties of a job: the name, then an answer per state. */
export const JOB_CALLS = {
  persist: REFUSED,
  persistPut: REFUSED,
  persistDelete: REFUSED,
  persistDeletePrefix: REFUSED,
  persistEncoded: REFUSED,
  persistAcked: REFUSED,
  putAcked: REFUSED,
  flush: REFUSED,
  get: REFUSED,
  getDecoded: REFUSED,
  getMany: REFUSED,
  exists: REFUSED,
  count: REFUSED,
  deleteAcked: REFUSED,
  scan: REFUSED,
  scanPrefix: REFUSED,
  stream: REFUSED,
  table: OK,
  append: REFUSED,
  streamSeq: REFUSED,
  findAppend: REFUSED,
  events: REFUSED,
  at: OK,
  journalStatus: REFUSED,
  compareWithJournal: REFUSED,
  rebuild: REFUSED,
  subscription: REFUSED,
  subscriptions: OK,
  projection: REFUSED,
  watch: REFUSED,
  backup: REFUSED,
  verify: REFUSED,
  stats: REFUSED,
  compact: REFUSED,
  close: OK,
  'await using': OK,
  running: ['true', 'false', 'false', 'false'],
  queued: OK
}

const NOT_FOUND = 'ERR_JOB_NOT_FOUND'
const BY_ID = [
  NOT_FOUND,
  NOT_FOUND,
  'ok',
  'ERR_JOB_CLOSED',
  NOT_FOUND,
  NOT_FOUND,
  'ERR_JOB_CLOSED',
  NOT_FOUND
]
const ALWAYS = ID_STATES.map(() => 'ok')
const THERE = ['false', 'false', 'true', 'true', 'false', 'false', 'true', 'false']

/** What gives something to be used later: there must be a handle. */
const HANDLE = THERE.map((there) => (there === 'true' ? 'ok' : NOT_FOUND))

/** Methods and properties of a persistency: the name, then an answer per state of the id they are called with. */
export const PERSISTENCY_CALLS = {
  openJob: [
    ...['new job', 'same job', 'same job', 'new job', 'new job', 'new job'],
    ...['ERR_PERSISTENCY_CLOSED', 'ERR_PERSISTENCY_CLOSED']
  ],
  listJobs: [...Array(6).fill('ok'), 'ERR_PERSISTENCY_CLOSED', 'ERR_PERSISTENCY_CLOSED'],
  closeJob: ALWAYS,
  dropJob: ALWAYS,
  job: HANDLE,
  hasJob: THERE,
  jobs: THERE,
  close: ALWAYS,
  'await using': ALWAYS,
  persist: BY_ID,
  persistPut: BY_ID,
  persistDelete: BY_ID,
  persistDeletePrefix: BY_ID,
  persistEncoded: BY_ID,
  persistAcked: BY_ID,
  putAcked: BY_ID,
  flush: BY_ID,
  get: BY_ID,
  getDecoded: BY_ID,
  getMany: BY_ID,
  exists: BY_ID,
  count: BY_ID,
  deleteAcked: BY_ID,
  scan: BY_ID,
  scanPrefix: BY_ID,
  stream: BY_ID,
  table: HANDLE,
  append: BY_ID,
  streamSeq: BY_ID,
  findAppend: BY_ID,
  events: BY_ID,
  at: HANDLE,
  journalStatus: BY_ID,
  compareWithJournal: BY_ID,
  rebuild: BY_ID,
  subscription: BY_ID,
  subscriptions: HANDLE,
  projection: BY_ID,
  watch: BY_ID,
  backup: BY_ID,
  verify: BY_ID,
  stats: BY_ID,
  compact: BY_ID,
  restore: [
    ...['ERR_RESTORE', 'ERR_JOB_IN_USE', 'ERR_JOB_IN_USE', 'ERR_EXISTS', 'ERR_EXISTS', 'ERR_EXISTS'],
    ...['ERR_PERSISTENCY_CLOSED', 'ERR_PERSISTENCY_CLOSED']
  ]
}
