// Signals: one handler, one at a time, in a bounded queue. A bare pulse, a full queue, and nobody there.
import { setTimeout as sleep } from 'node:timers/promises'
import { defineSignal, SignalBroker, unwrap } from 'persistency/brokers'

const Wake = defineSignal('wake')
const Thumbnail = defineSignal<{ image: string }>('thumbnail', { queueDepth: 3 })
const signals = new SignalBroker()

function send(image: string): void {
  const sent = signals.signal(Thumbnail, { image })
  console.log(
    sent.match(
      () => `${image}: accepted`,
      (error) => `${image}: ${error.kind}`
    )
  )
}

send('a.png')

const working = unwrap(
  signals.on(Thumbnail, async ({ image }) => {
    await sleep(5)
    console.log(`handled ${image}`)
  })
)
console.log(signals.on(Thumbnail, () => undefined).isErr() ? 'a second handler is refused' : 'two handlers')

// Three fit in, counting the one being handled; nothing is handled before this turn is over.
for (const image of ['a.png', 'b.png', 'c.png', 'd.png']) send(image)
await sleep(50)
send('d.png')

// Refuses what comes from now on, and resolves when everything accepted has been handled.
await working.drop()
send('e.png')

// A pulse carries nothing but the fact.
unwrap(signals.on(Wake, () => console.log('awake')))
signals.signal(Wake)
console.log('signalled')
await signals.drop(Wake)
