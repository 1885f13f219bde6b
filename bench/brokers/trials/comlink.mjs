/** comlink over a worker thread: a call of a method of the object that the worker exposes. */
import { Worker } from 'node:worker_threads'
import * as comlink from 'comlink'
import nodeEndpoint from 'comlink/dist/umd/node-adapter.js'
import { requestMeasurements, runTrial } from '../../lib/trial.mjs'
import { order } from '../payloads.mjs'

const open = async () => {
  const worker = new Worker(new URL('../workers/comlink.mjs', import.meta.url))
  const remote = comlink.wrap(nodeEndpoint(worker))
  return { request: (id) => remote.stock(order(id)), close: () => worker.terminate() }
}

await runTrial(requestMeasurements(open))
