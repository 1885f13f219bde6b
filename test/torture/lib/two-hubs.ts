/** Owns a storage at the other end of a link without a thread between: what crosses can be seen, damaged and replayed. */
import { BrokerContext, BrokerHub } from 'persistency'
import { Link, type LinkPort } from 'persistency/threads'
import { STORAGE_CONTRACT } from '../../../dist/persistency/storage/contract.js'
import { OpenStores } from '../../../dist/persistency/storage/open-stores.js'
import { Pace } from '../../../dist/persistency/storage/pace.js'
import { StorageSession } from '../../../dist/persistency/storage/session.js'
import { StoreHolder } from '../../../dist/persistency/storage/store-holder.js'
import type { Frame } from '../../../dist/threads/port/frame.js'

const PATIENT = { busyTimeoutMs: 0, urgent: () => false }
const OPTIONS = {
  create: true,
  durability: 'off',
  cacheSizeBytes: 1 << 20,
  rowCacheBytes: 1 << 16,
  mmapSizeBytes: 0,
  busyTimeoutMs: 0,
  whenIdle: 'keep',
  journal: false
} as const

/** A port whose frames go wherever `onFrame` says. */
class TappedPort implements LinkPort {
  onFrame: (frame: Frame) => void = () => {}

  postMessage(frame: Frame): void {
    this.onFrame(frame)
  }

  on(): void {}
  off(): void {}
}

/** One end of a link, and what it made of what it was given. */
export interface End {
  readonly link: Link
  readonly port: TappedPort
  /** Why it closed itself. */
  readonly faults: unknown[]
  readonly others: unknown[]
}

export class TwoHubs {
  readonly context = BrokerContext.create('fuzzed')
  /** The side of the job. */
  readonly host = new BrokerHub()
  readonly #worker = new BrokerHub()
  readonly #session: StorageSession

  constructor() {
    const start = { task: 'serve', jobId: 'fuzzed', file: ':memory:', options: OPTIONS, maxOpen: 1 } as const
    const holder = new StoreHolder(new OpenStores(), start, PATIENT, false)
    holder.open()
    const pace = new Pace(undefined, PATIENT)
    this.#session = new StorageSession({
      ...{ hub: this.#worker, context: this.context, jobId: 'fuzzed', file: ':memory:', holder, pace }
    })
  }

  /** A new end on the side of the job. */
  hostEnd(): End {
    return this.#end(this.host, { send: STORAGE_CONTRACT.toWorker, receive: STORAGE_CONTRACT.toHost })
  }

  /** A new end on the side of the storage. */
  workerEnd(): End {
    return this.#end(this.#worker, { send: STORAGE_CONTRACT.toHost, receive: STORAGE_CONTRACT.toWorker })
  }

  close(): void {
    this.#session.close()
  }

  #end(hub: BrokerHub, routes: Parameters<Link['route']>[1]): End {
    const port = new TappedPort()
    const faults: unknown[] = []
    const others: unknown[] = []
    const link = new Link(port, hub, {
      maxFramesInFlight: Number.POSITIVE_INFINITY,
      acknowledgeEvery: 1,
      onFault: (fault) => void faults.push(fault),
      onOther: (other) => void others.push(other)
    })
    link.route(this.context, routes)
    return { link, port, faults, others }
  }
}
