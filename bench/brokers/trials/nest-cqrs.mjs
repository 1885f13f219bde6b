/**
 * The EventBus of @nestjs/cqrs by itself, without an application: handlers are registered as its module would do it.
 * It calls them within `publish`, as this package does within `emit`.
 */
import 'reflect-metadata'
import { EventBus, EventsHandler, UnhandledExceptionBus } from '@nestjs/cqrs'
import { perSecond, runTrial } from '../../lib/trial.mjs'

class Placed {
  id = 1
  item = 'lamp'
}

const emit = (handlers) => async () => {
  const bus = new EventBus(undefined, undefined, new UnhandledExceptionBus())
  let heard = 0
  for (let i = 0; i < handlers; i++) {
    class OnPlaced {
      handle(placed) {
        heard += placed.id
      }
    }
    EventsHandler(Placed)(OnPlaced)
    bus.register([{ metatype: OnPlaced, instance: new OnPlaced(), isDependencyTreeStatic: () => true }])
  }
  const placed = new Placed()
  return perSecond((count) => {
    heard = 0
    for (let i = 0; i < count; i++) bus.publish(placed)
    if (heard !== count * handlers) throw new Error('a handler missed an event')
  }, 1000)
}

await runTrial({ 'emit-0': emit(0), 'emit-1': emit(1), 'emit-10': emit(10) })
