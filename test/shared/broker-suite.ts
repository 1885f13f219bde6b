/** Owns what a caller may rely on wherever the other side lives. It knows neither threads nor links. */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals'
import {
  BrokerContext,
  type BrokerHub,
  EventBroker,
  MultiRequestBroker,
  RequestBroker,
  SignalBroker
} from 'persistency/brokers'
import { OpenGate, Seen, type Seen as SeenThere, Waiting } from '../fixtures/shared-worker.mjs'
import { eventSuite } from './event-suite.js'
import { multiRequestSuite } from './multi-request-suite.js'
import { requestSuite } from './request-suite.js'
import { signalSuite } from './signal-suite.js'

/** Where the other side lives. */
export interface Home {
  readonly hub: BrokerHub
  /** Whether payloads are copied on their way. */
  readonly copies: boolean
  /** Sets the other side up in a context. */
  serve(context: BrokerContext): Promise<void>
  close(): Promise<void>
}

/** The near side of one test, in a context of its own. */
export class Near {
  readonly home: Home
  readonly context: BrokerContext
  readonly events: EventBroker
  readonly requests: RequestBroker
  readonly signals: SignalBroker
  readonly multi: MultiRequestBroker

  constructor(home: Home, context = BrokerContext.create('shared')) {
    this.home = home
    this.context = context
    this.events = new EventBroker(home.hub, context)
    this.requests = new RequestBroker(home.hub, context)
    this.signals = new SignalBroker(home.hub, context)
    this.multi = new MultiRequestBroker(home.hub, context)
  }

  /** What the other side has seen of everything sent before. */
  async seen(): Promise<SeenThere> {
    return (await this.requests.request(Seen))._unsafeUnwrap()
  }

  async openGate(): Promise<number> {
    return (await this.requests.request(OpenGate))._unsafeUnwrap()
  }

  /** Resolves once so many wait at the gate of the other side. */
  async untilWaiting(count: number): Promise<void> {
    while ((await this.requests.request(Waiting))._unsafeUnwrap() < count) await new Promise(setImmediate)
  }

  /** Another context that the other side serves. */
  async another(): Promise<Near> {
    const near = new Near(this.home)
    await this.home.serve(near.context)
    return near
  }
}

/** What the parts of the suite use to get at the side that a test is on. */
export type NearOf = () => Near

/** Declares the suite for one kind of home. */
export function brokerSuite(where: string, open: () => Promise<Home>): void {
  describe(`brokers whose other side lives in ${where}`, () => {
    let home: Home
    let near: Near
    beforeAll(async () => {
      home = await open()
    })
    beforeEach(async () => {
      near = new Near(home)
      await home.serve(near.context)
    })
    afterEach(async () => {
      await near.openGate()
    })
    afterAll(async () => {
      await home.close()
    })
    const nearOf = (): Near => near
    describe('events', () => eventSuite(nearOf))
    describe('requests', () => requestSuite(nearOf))
    describe('multi-requests', () => multiRequestSuite(nearOf))
    describe('signals', () => signalSuite(nearOf))
  })
}
