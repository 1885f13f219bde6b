// An application in a tsyringe container: marked methods are connected with the brokers, and disposing the container
// disconnects them.
import 'reflect-metadata'
import { err, ok, type Result } from 'neverthrow'
import {
  BrokerContext,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  EventBroker,
  joinTeardown,
  MultiRequestBroker,
  RequestBroker,
  SignalBroker,
  tearDown,
  unwrap
} from 'persistency/brokers'
import { answers, bindHandlers, handles, listens, provides, registerBrokers } from 'persistency/di'
import { container, inject, injectable } from 'tsyringe'

const OrderPlaced = defineEvent<{ id: number; lamps: number }>('order-placed')
const Reserve = defineRequest<{ lamps: number }, { left: number }, { missing: number }>('reserve')
const Health = defineMultiRequest<void, string>('health')
const PrintLabel = defineSignal<{ id: number }>('print-label')

@injectable()
class Warehouse {
  #lamps = 5
  @provides(Reserve)
  reserve({ lamps }: { lamps: number }): Result<{ left: number }, { missing: number }> {
    if (lamps > this.#lamps) return err({ missing: lamps - this.#lamps })
    this.#lamps -= lamps
    return ok({ left: this.#lamps })
  }
  @answers(Health)
  health(): string {
    return `warehouse: ${this.#lamps} lamps`
  }
}

@injectable()
class Dispatch {
  constructor(@inject(SignalBroker) readonly signals: SignalBroker) {}
  @listens(OrderPlaced)
  placed({ id }: { id: number }): void {
    this.signals.signal(PrintLabel, { id })
  }
  @handles(PrintLabel)
  print({ id }: { id: number }): void {
    console.log(`label of order ${id}`)
  }
  @answers(Health)
  health(): string {
    return 'dispatch: ready'
  }
}

@injectable()
class Shop {
  constructor(
    @inject(EventBroker) readonly events: EventBroker,
    @inject(RequestBroker) readonly requests: RequestBroker
  ) {}
  async order(id: number, lamps: number): Promise<string> {
    const reserved = await this.requests.request(Reserve, { lamps })
    if (reserved.isErr()) {
      return `order ${id}: ${'missing' in reserved.error ? `${reserved.error.missing} too many` : reserved.error.kind}`
    }
    this.events.emit(OrderPlaced, { id, lamps })
    return `order ${id}: placed, ${reserved.value.left} left`
  }
}

const app = container.createChildContainer()
registerBrokers(app, undefined, BrokerContext.create('shop'))
for (const part of [Warehouse, Dispatch]) unwrap(bindHandlers(app, app.resolve<object>(part)))

const shop = app.resolve(Shop)
console.log(await shop.order(1, 3))
console.log(await shop.order(2, 3))
const health = await app.resolve(MultiRequestBroker).request(Health)
console.log(health.unwrapOr([]).join('; '))

// A part with a lifetime joins Teardown; whoever ends the program asks all of them to stop.
joinTeardown(app.resolve(MultiRequestBroker), 'printer', () => console.log('printer off'))
joinTeardown(app.resolve(MultiRequestBroker), 'lift', () => Promise.reject(new Error('stuck')))
const { done, failed } = await tearDown(app.resolve(MultiRequestBroker))
console.log('stopped:', done.map(({ part }) => part).join())
console.log('not stopped:', failed.map(({ part, message }) => `${part} (${message})`).join())

await app.dispose()
console.log(await shop.order(3, 1))
