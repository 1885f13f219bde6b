/**
 * Owns what happens inside a trial process: it measures one thing, prints one number and ends. A warm-up comes first,
 * so that the compiler has done its work when the clock starts.
 */

const quick = process.argv.includes('--quick')
const WARM_UP_MS = quick ? 20 : 1000
const MEASURE_MS = quick ? 40 : 1500
const LATENCY_SAMPLES = quick ? 200 : 20_000
const QUIET_SAMPLES = quick ? 20 : 600
/** The pause before a request which finds both threads at rest. */
const QUIET_MS = 2

/** Runs the measurement that the command line names, and prints what it comes to. */
export async function runTrial(measurements) {
  const name = process.argv[2]
  const measure = measurements[name]
  if (measure === undefined)
    throw new Error(`no measurement "${name}"; there are ${Object.keys(measurements)}`)
  console.log(String(await measure()))
}

/**
 * How many operations a second `work(count)` does. The count is chosen so that one run of it takes a moment; a `work`
 * without a promise is timed without one.
 */
export async function perSecond(work, count, { warmUpMs = WARM_UP_MS, measureMs = MEASURE_MS } = {}) {
  await runFor(work, count, warmUpMs)
  return runFor(work, count, measureMs)
}

async function runFor(work, count, milliseconds) {
  const start = performance.now()
  let done = 0
  let elapsed = 0
  while (elapsed < milliseconds) {
    const running = work(count)
    if (running !== undefined) await running
    done += count
    elapsed = performance.now() - start
  }
  return (done / elapsed) * 1000
}

/** Keeps `inFlight` requests under way until `count` have been answered. */
export async function keepInFlight(request, inFlight, count) {
  let next = 0
  const caller = async () => {
    while (next < count) await request(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
}

/** The median time of a request in microseconds, one after the other. */
export async function medianMicros(request, { warmUpMs = WARM_UP_MS, samples = LATENCY_SAMPLES } = {}) {
  await runFor(request, 1, warmUpMs)
  return medianOf(samples, request, () => undefined)
}

/** The median time in microseconds of a request that comes after a pause. */
export async function quietMedianMicros(request) {
  await runFor(request, 1, WARM_UP_MS)
  return medianOf(QUIET_SAMPLES, request, () => new Promise((resolve) => setTimeout(resolve, QUIET_MS)))
}

async function medianOf(samples, request, before) {
  const times = []
  for (let i = 0; i < samples; i++) {
    await before()
    const start = performance.now()
    await request(i)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return times[samples >> 1] * 1000
}

/** The measurements of a contestant whose `request` is answered on another thread; `close` ends that thread. */
export function requestMeasurements(open, prefix = 'request') {
  const measured = (body) => async () => {
    const { request, close } = await open()
    const value = await body(request)
    await close()
    return value
  }
  const throughput = (inFlight) =>
    measured((request) => perSecond((count) => keepInFlight(request, inFlight, count), inFlight * 8 + 1000))
  return {
    [`${prefix}-1`]: throughput(1),
    [`${prefix}-64`]: throughput(64),
    [`${prefix}-1024`]: throughput(1024),
    [`${prefix}-lone`]: measured(medianMicros),
    [`${prefix}-quiet`]: measured(quietMedianMicros)
  }
}
