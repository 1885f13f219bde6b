/** Owns the direct links of a worker to other workers. */
import type { MessagePort } from 'node:worker_threads'
import { err, ok, type Result } from 'neverthrow'
import { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { MessageName, PeerRequest, PortDelivery } from '../control.js'
import { type CarriedMessage, isSameMessage, type ThreadContract } from '../link/carried.js'
import { Link } from '../link/link.js'

interface PeerLink {
  /** Identifies the worker at the other end. */
  readonly worker: string
  readonly sends: readonly CarriedMessage[]
  readonly link: Link
  readonly port: MessagePort
  readonly context: BrokerContext
}

export class Peers {
  readonly #hub: BrokerHub
  readonly #known: readonly CarriedMessage[]
  readonly #ports = new Map<number, MessagePort>()
  /** Ports whose other end closed before they were used. */
  readonly #gone = new WeakSet<MessagePort>()
  readonly #links = new Map<number, PeerLink>()
  readonly #origin: unknown

  /** @param origin of all links of this worker: each of the others is reached by whoever reached this one */
  constructor(hub: BrokerHub, { toWorker, toHost, toPeers = [] }: ThreadContract, origin: unknown) {
    this.#hub = hub
    this.#origin = origin
    this.#known = [...toWorker, ...toHost, ...toPeers]
  }

  /** Keeps a port until the request for it arrives, or closes one that was withdrawn. */
  deliver({ peer, port }: PortDelivery<MessagePort>): void {
    if (port !== undefined) {
      this.#ports.set(peer, port)
      port.once('close', () => this.#gone.add(port))
      return
    }
    this.#take(peer)?.close()
    this.#links.get(peer)?.port.close()
  }

  /** Links a context to the worker at the other end of the port. */
  connect({ id, worker, send, receive, ...request }: PeerRequest): Result<void, unknown> {
    const context = BrokerContext.from(request.context)
    const port = this.#take(id)
    if (port === undefined) return err(new Error(`no port was delivered for peer ${id}`))
    if (this.#gone.has(port)) return err(new Error('the worker at the other end is gone'))
    // The other worker notices by the port.
    const onFault = (): void => port.close()
    const options = { maxFramesInFlight: 2, acknowledgeEvery: 1, origin: this.#origin, onFault }
    const link = new Link(port, this.#hub, options)
    let sends: readonly CarriedMessage[]
    try {
      sends = send.map((name) => this.#find(name))
      link.route(context, { send: sends, receive: receive.map((name) => this.#find(name)) })
      this.#requireNotSent(worker, context, sends)
    } catch (error) {
      link.close('the link could not be set up')
      port.close()
      return err(error)
    }
    this.#links.set(id, { worker, sends, link, port, context })
    port.unref()
    port.once('close', () => {
      this.#links.delete(id)
      link.close('its other end is gone')
    })
    return ok(undefined)
  }

  /** Ends the links of a context, after sending what they have accepted. */
  release(context: BrokerContext): void {
    for (const link of this.#links.values()) if (link.context.equals(context)) end(link)
  }

  /** Ends all links in the same way. */
  close(): void {
    for (const link of this.#links.values()) end(link)
  }

  /** Each link would send a copy; of a request or signal there is one place, which is taken. Throws. */
  #requireNotSent(worker: string, context: BrokerContext, send: readonly CarriedMessage[]): void {
    for (const link of this.#links.values()) {
      if (link.worker !== worker || !link.context.equals(context)) continue
      const twice = send.find((message) => link.sends.includes(message))
      if (twice === undefined) continue
      throw new Error(`a link between these workers carries ${twice.kind} "${twice.name}" already`)
    }
  }

  #take(peer: number): MessagePort | undefined {
    const port = this.#ports.get(peer)
    this.#ports.delete(peer)
    return port
  }

  #find(wanted: MessageName): CarriedMessage {
    const found = this.#known.find((message) => isSameMessage(message, wanted))
    if (found === undefined)
      throw new Error(`this worker's contract has no ${wanted.kind} "${wanted.name}"; list it under toPeers`)
    return found
  }
}

function end({ link, port }: PeerLink): void {
  link.flush()
  link.close('this worker has let it go')
  // The other worker notices by the port.
  port.close()
}
