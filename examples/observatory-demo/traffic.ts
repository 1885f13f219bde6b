/** Owns traffic to look at: four tenants of different temper. What they store stays small, because keys come again. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { type Job, key, type Persistency, type TxOp, unwrap } from 'persistency'

export interface Traffic {
  stop(): Promise<void>
}

const STATIONS = ['north', 'east', 'south', 'west']
const KEYS_PER_STATION = 2000
const TURN_MS = 40

/** Writes until it is stopped. */
export function startTraffic(persistency: Persistency): Traffic {
  const stopping = new AbortController()
  const work = [
    vega(persistency, stopping.signal),
    lyra(persistency, stopping.signal),
    mira(persistency, stopping.signal),
    nova(persistency, stopping.signal)
  ]
  return {
    async stop() {
      stopping.abort()
      await Promise.all(work)
    }
  }
}

/** A steady swell of readings. */
async function vega(persistency: Persistency, stop: AbortSignal): Promise<void> {
  const job = await open(persistency, 'vega')
  for (let turn = 0; await next(stop); turn++) {
    const ops = Math.round(60 + 45 * Math.sin(turn / 60))
    for (let i = 0; i < ops; i++) await job.persist(reading(turn * 40 + i))
  }
}

/** Quiet, with a burst of batches every few seconds. */
async function lyra(persistency: Persistency, stop: AbortSignal): Promise<void> {
  const job = await open(persistency, 'lyra')
  for (let turn = 0; await next(stop); turn++) {
    const batches = turn % 150 < 6 ? 40 : 1
    for (let i = 0; i < batches; i++) {
      await job.persist(Array.from({ length: 20 }, (_, op) => image(turn * 20 + op)))
    }
  }
}

/** Little traffic, and another program that locks its file now and then for longer than it waits. */
async function mira(persistency: Persistency, stop: AbortSignal): Promise<void> {
  const job = await open(persistency, 'mira')
  const elsewhere = new Database(join(persistency.rootDir, 'mira.db'))
  try {
    for (let turn = 0; await next(stop); turn++) {
      const locked = turn % 200 === 10
      if (locked) elsewhere.exec('BEGIN IMMEDIATE')
      for (let i = 0; i < 8; i++) await job.persist(order(turn * 8 + i))
      // Its writes wait for the lock, and fail while it is held.
      await job.flush()
      if (locked) elsewhere.exec('ROLLBACK')
    }
  } finally {
    elsewhere.close()
  }
}

/** Comes and goes. */
async function nova(persistency: Persistency, stop: AbortSignal): Promise<void> {
  let job: Job | undefined
  for (let turn = 0; await next(stop); turn++) {
    const awake = turn % 500 < 350
    if (awake) job ??= await open(persistency, 'nova')
    if (job !== undefined && awake) {
      for (let i = 0; i < 12 + (turn % 50); i++) await job.persist(reading(turn * 7 + i))
    } else if (job !== undefined) {
      await job.close()
      job = undefined
    }
  }
}

function open(persistency: Persistency, id: string): Promise<Job> {
  // Short patience with locks, so that there are failures to see.
  return unwrap(persistency.openJob(id, { busyTimeoutMs: 60 }))
}

/** Waits for the next turn; `false` when there is none. */
async function next(stop: AbortSignal): Promise<boolean> {
  await pause(TURN_MS, undefined, { signal: stop }).catch(() => undefined)
  return !stop.aborted
}

function reading(n: number): TxOp {
  const station = STATIONS[n % STATIONS.length] as string
  const value = { celsius: Math.round(120 + 80 * Math.sin(n / 300)) / 10, hPa: 1013 + (n % 23) }
  return put('readings', key(station, n % KEYS_PER_STATION), JSON.stringify(value))
}

function image(n: number): TxOp {
  return put(
    'images',
    key('tile', n % KEYS_PER_STATION),
    Uint8Array.from({ length: 400 }, (_, i) => (n * 31 + i * 7) % 256)
  )
}

function order(n: number): TxOp {
  return put('orders', key(2026, n % KEYS_PER_STATION), `${1 + (n % 9)} telescopes, to be sent on Monday`)
}

function put(category: string, at: ReturnType<typeof key>, payload: string | Uint8Array): TxOp {
  return {
    kind: 'put',
    category,
    key: at,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload
  }
}
