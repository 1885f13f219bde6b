/** The other thread of the plain baseline: one message for each request and answer, one for each event. */
import { parentPort } from 'node:worker_threads'
import { answerTo } from '../payloads.mjs'

let received = 0

parentPort.on('message', (message) => {
  if (message instanceof Uint8Array) {
    if (message.length === 512) received++
  } else if (message.order !== undefined) {
    parentPort.postMessage({ call: message.call, answer: answerTo(message.order) })
  } else parentPort.postMessage({ call: message.call, answer: received })
})
