// Owns a program that writes numbered batches to several jobs until somebody or something ends it. On standard output
// it tells, line by line and at once, what it knows: `A job n` for an acknowledged batch, `X job` when it begins to drop
// a job, `D job` when that is done, `ready` when all jobs are open, `Q job n` for the last accepted batch.

import { writeSync } from 'node:fs'
import { EventBroker, key, Persistency, PersistFailed } from 'persistency'
import { batchOps, COUNTER, unsealed } from '../lib/batches.mjs'
import { mirrorBatches } from '../lib/mirror.mjs'

const {
  root,
  jobs,
  writer,
  mode,
  jobOptions = {},
  mirror = false,
  batches = Number.POSITIVE_INFINITY
} = JSON.parse(process.argv[2])
// The log is brought into the file when it has reached 16 MiB: large rows get there soon.
const payloadBytes = mode === 'checkpoint' ? 256 * 1024 : 24
const tell = (line) => writeSync(1, `${line}\n`)
const owner = Persistency.open({ rootDir: root, ...jobOptions })._unsafeUnwrap()

/** A failure ends the program with a message: here nothing may fail. */
const okOf = async (answer) => {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}

const open = async (id) => {
  const job = await okOf(owner.openJob(id))
  new EventBroker(undefined, job.context).listen(PersistFailed, ({ error }) => {
    tell(`F ${id} ${error.code} ${error.backendCode}`)
  })
  const counter = await okOf(job.get(COUNTER, key(writer), { timeoutMs: 60_000 }))
  if (mirror) await mirrorBatches(job, writer)
  return { job, n: counter === undefined ? 0 : unsealed(counter).n }
}

/** Batches of which some are acknowledged and some are not. */
async function write(tenant, count) {
  const { job } = tenant
  for (let left = count; left > 0; left--) {
    const n = ++tenant.n
    const ops = batchOps(writer, n, payloadBytes)
    if (Math.random() < 0.3) {
      await okOf(job.persistAcked(ops))
      tell(`A ${job.id} ${n}`)
    } else await okOf(job.persist(ops))
    if (n % 25 === 0) {
      await okOf(job.flush({ durable: mode === 'checkpoint' }))
      tell(`A ${job.id} ${n}`)
    }
  }
}

/** Accepted batches that nobody waits for. */
async function queue(tenant, count) {
  for (let left = count; left > 0; left--) {
    const n = tenant.n + 1
    void tenant.job.persist(batchOps(writer, n, payloadBytes))
    tenant.n = n
  }
  tell(`Q ${tenant.job.id} ${tenant.n}`)
}

const LIVES = {
  write: async (tenant) => {
    await write(tenant, batches)
    await okOf(tenant.job.flush({ timeoutMs: 60_000 }))
    tell(`A ${tenant.job.id} ${tenant.n}`)
  },
  checkpoint: (tenant) => write(tenant, batches),
  close: async (tenant) => {
    for (;;) {
      await write(tenant, 3)
      await queue(tenant, 20)
      await okOf(tenant.job.close())
      tell(`A ${tenant.job.id} ${tenant.n}`)
      Object.assign(tenant, await open(tenant.job.id))
    }
  },
  drop: async (tenant) => {
    for (;;) {
      await write(tenant, 10)
      tell(`X ${tenant.job.id}`)
      await okOf(owner.dropJob(tenant.job.id))
      tell(`D ${tenant.job.id}`)
      Object.assign(tenant, await open(tenant.job.id))
    }
  },
  exit: async (tenant) => {
    await write(tenant, 2)
    await queue(tenant, batches)
  }
}

const ENDS = {
  'process.exit': () => process.exit(0),
  'process.exit in a later turn': () => setImmediate(() => process.exit(0)),
  'process.exit while closing': () => {
    owner.close()
    process.exit(0)
  },
  'an uncaught exception': () => {
    throw new Error('on purpose')
  },
  'an uncaught exception in a later turn': () => {
    setTimeout(() => {
      throw new Error('on purpose')
    })
  },
  'an unhandled rejection': () => void Promise.reject(new Error('on purpose')),
  'a normal end': () => {},
  'a close that nobody waits for': () => void owner.close()
}

const { end } = JSON.parse(process.argv[2])
const tenants = await Promise.all(jobs.map(open))
tell('ready')
await Promise.all(tenants.map(LIVES[mode]))
if (end !== undefined) ENDS[end]()
else await okOf(owner.close())
