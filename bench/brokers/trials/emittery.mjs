/**
 * emittery calls listeners in a microtask. It gets its best case: emits are not awaited one by one; only the last of
 * a batch is, and then all listeners have run.
 */
import Emittery from 'emittery'
import { perSecond, runTrial } from '../../lib/trial.mjs'
import { order } from '../payloads.mjs'

const emit = (listeners) => async () => {
  const emitter = new Emittery()
  let heard = 0
  // One function counts once here, so each listener is a function of its own.
  for (let i = 0; i < listeners; i++) {
    emitter.on('placed', (placed) => {
      heard += placed.id
    })
  }
  const placed = order(0)
  return perSecond(async (count) => {
    heard = 0
    for (let i = 1; i < count; i++) void emitter.emit('placed', placed)
    await emitter.emit('placed', placed)
    if (heard !== count * listeners) throw new Error('a listener missed an event')
  }, 1000)
}

await runTrial({ 'emit-0': emit(0), 'emit-1': emit(1), 'emit-10': emit(10) })
