/** piscina with one thread, which may work on as many tasks as are in flight. */
import { Piscina } from 'piscina'
import { requestMeasurements, runTrial } from '../../lib/trial.mjs'
import { order } from '../payloads.mjs'

const open = async () => {
  const pool = new Piscina({
    filename: new URL('../workers/piscina.mjs', import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1024,
    idleTimeout: Number.POSITIVE_INFINITY
  })
  return { request: (id) => pool.run(order(id)), close: () => pool.destroy() }
}

await runTrial(requestMeasurements(open))
