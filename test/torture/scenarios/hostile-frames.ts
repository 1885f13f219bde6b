/** Owns the torture by frames that no link has sent: each is understood or refused, and nothing else breaks. */
import type { ResultAsync } from 'neverthrow'
import {
  BrokerError,
  KvCount,
  KvDelete,
  KvExists,
  KvFlush,
  KvGet,
  KvScan,
  key,
  PersistEvent,
  type PersistencyError,
  PersistFailed,
  prefixRange,
  RequestBroker,
  type TxOp
} from 'persistency'
import { type Frame, messagesOf } from '../../../dist/threads/port/frame.js'
import { check, checkEqual, isErrorNamed } from '../lib/checks.mjs'
import { corpus } from '../lib/corpus.js'
import { mutate } from '../lib/mutate.js'
import type { Random } from '../lib/random.js'
import type { Scenario } from '../lib/scenario.js'
import { settles } from '../lib/settles.js'
import { type End, TwoHubs } from '../lib/two-hubs.js'

type Reply = ResultAsync<unknown, PersistencyError | BrokerError>

const KEPT = corpus('frames')
const CASES = 2000
const SENTINEL = key('sentinel')

/** What a job and its storage said to each other, frame by frame. */
interface Conversation {
  readonly toWorker: readonly Frame[]
  readonly toHost: readonly Frame[]
}

export const hostileFrames: Scenario = {
  name: 'hostile-frames',
  promise: 'a frame that cannot be understood closes its link with an error, and hurts nothing else',
  rounds: { short: 2, long: 250 },
  async round({ random, count }) {
    const hubs = new TwoHubs()
    try {
      const conversation = await record(hubs)
      for (let left = CASES; left > 0; left--) {
        if (random.chance(0.7)) toWorker(hubs, conversation, random)
        else await toHost(hubs, conversation, random)
        if (left % 500 === 0) await stillServes(hubs)
      }
      await stillServes(hubs)
      count('frames', CASES)
    } finally {
      hubs.close()
    }
  }
}

const put = (n: number, payload: Uint8Array): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload })

/** Every kind of message once, with the frames in which they crossed. */
async function record(hubs: TwoHubs): Promise<Conversation> {
  const conversation = { toWorker: [] as Frame[], toHost: [] as Frame[] }
  await talk(hubs, conversation, async () => {
    const say = (ops: TxOp[], seq: number): void =>
      hubs.host.emit(hubs.context, PersistEvent, { jobId: 'fuzzed', seq, bytes: 100, ops })
    say([{ kind: 'put', category: 'kept', key: SENTINEL, payload: new Uint8Array([1, 2, 3]) }], 1)
    await Promise.all(ask(hubs))
    say([put(1, new Uint8Array(10)), put(2, new Uint8Array(0)), put(3, new Uint8Array(17_000))], 2)
    await nextTurn()
    await Promise.all(ask(hubs))
    say(
      [
        { kind: 'delete', category: 'c', key: key(1) },
        { kind: 'deletePrefix', category: 'd', prefix: key() }
      ],
      3
    )
    await nextTurn()
    await Promise.all(ask(hubs))
  })
  check(conversation.toWorker.length > 3 && conversation.toHost.length > 3, 'nothing was recorded')
  check(conversation.toHost.some(Array.isArray), 'nothing was attached to a frame')
  return conversation
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function ask({ host, context }: TwoHubs): Reply[] {
  const requests = new RequestBroker(host, context)
  const at = { category: 'c', key: key(2) }
  return [
    requests.request(KvGet, at),
    requests.request(KvExists, at),
    requests.request(KvCount, { category: 'c', range: prefixRange(key()) }),
    requests.request(KvScan, { category: 'c', range: prefixRange(key()), limit: 10 }),
    requests.request(KvDelete, { category: 'c', key: key(77) }),
    requests.request(KvFlush, { durable: false })
  ]
}

/** Joins two ends for as long as `body` takes. */
async function talk(
  hubs: TwoHubs,
  heard: { toWorker: Frame[]; toHost: Frame[] },
  body: () => Promise<void>
): Promise<void> {
  const worker = hubs.workerEnd()
  const host = hubs.hostEnd()
  const carry = (to: End, into: Frame[]) => (frame: Frame) => {
    into.push(copyOf(frame))
    queueMicrotask(() => to.link.take(frame))
  }
  host.port.onFrame = carry(worker, heard.toWorker)
  worker.port.onFrame = carry(host, heard.toHost)
  try {
    await settles('a conversation', body(), 5000)
    checkEqual([worker.faults, host.faults], [[], []], 'faults of a sound conversation')
  } finally {
    close(host, worker)
  }
}

/** The frames of a conversation up to one that is damaged, and some that follow it. */
function damagedRun(frames: readonly Frame[], random: Random): Frame[] {
  const at = random.integer(0, frames.length - 1)
  const kept = random.chance(0.1)
  const victim = kept ? random.pick(KEPT) : (frames[at] as Frame)
  const damaged = kept && random.chance(0.5) ? victim : damage(victim, random, frames)
  return [...frames.slice(0, at), damaged, ...frames.slice(at + 1, at + 3)]
}

/** Damages messages, or what was attached to them; may attach something that does not belong there. */
function damage(frame: Frame, random: Random, others: readonly Frame[]): Frame {
  const spoil = (bytes: Uint8Array): Uint8Array => mutate(bytes, random, messagesOf(random.pick(others)))
  const [messages, ...attached] = ArrayBuffer.isView(frame) ? [frame] : frame
  if (attached.length > 0 && random.chance(0.5)) {
    return [messages, ...attached.filter(() => random.chance(0.8)).map(spoil)]
  }
  const spoiled = spoil(messages)
  if (attached.length > 0) return [spoiled, ...attached]
  return random.chance(0.1) ? [spoiled, messages] : spoiled
}

function copyOf(frame: Frame): Frame {
  if (ArrayBuffer.isView(frame)) return frame.slice()
  const [messages, ...attached] = frame
  return [messages.slice(), ...attached.map((bytes) => bytes.slice())]
}

function toWorker(hubs: TwoHubs, { toWorker: frames }: Conversation, random: Random): void {
  const worker = hubs.workerEnd()
  for (const frame of damagedRun(frames, random)) worker.link.take(frame)
  if (random.chance(0.05))
    worker.link.take(
      random.pick<unknown>([null, 7, 'text', {}, [], [7], { peer: 1 }, new DataView(new ArrayBuffer(9))])
    )
  checkFaults(worker)
  close(worker)
}

async function toHost(hubs: TwoHubs, { toHost: frames }: Conversation, random: Random): Promise<void> {
  const host = hubs.hostEnd()
  const replies = ask(hubs)
  host.link.flush()
  for (const frame of damagedRun(frames, random)) host.link.take(frame)
  checkFaults(host)
  close(host)
  const settled = await settles('requests whose answers were damaged', Promise.all(replies), 5000)
  for (const reply of settled) {
    if (reply.isOk()) continue
    check(
      reply.error instanceof Error && 'kind' in reply.error,
      `an error of no type: ${String(reply.error)}`
    )
  }
}

/** A fault is an error about the frame, not a stumble of the code that reads it. */
function checkFaults({ faults }: End): void {
  check(faults.length <= 1, `a link broke ${faults.length} times`)
  for (const fault of faults) {
    const sound = isErrorNamed(fault, 'RangeError') || fault instanceof BrokerError
    check(sound, `a frame was refused with ${fault instanceof Error ? fault.stack : String(fault)}`)
  }
}

function close(...ends: readonly End[]): void {
  for (const { link } of ends) link.close('the case is over')
}

/** What was stored before any damage is served through a new link, unless a frame said to delete it. */
async function stillServes(hubs: TwoHubs): Promise<void> {
  const failures: unknown[] = []
  const listening = hubs.host.listen(hubs.context, PersistFailed, (failure) => void failures.push(failure))
  const payload = new Uint8Array([9, 9])
  await talk(hubs, { toWorker: [], toHost: [] }, async () => {
    const ops: TxOp[] = [{ kind: 'put', category: 'kept', key: SENTINEL, payload }]
    hubs.host.emit(hubs.context, PersistEvent, { jobId: 'fuzzed', seq: 1, bytes: 100, ops })
    const requests = new RequestBroker(hubs.host, hubs.context)
    const found = await requests.request(KvGet, { category: 'kept', key: SENTINEL })
    checkEqual([...(found._unsafeUnwrap() ?? [])], [...payload], 'what the storage answers after the damage')
  })
  await listening.drop()
  checkEqual(failures, [], 'writes that failed after the damage')
}
