/**
 * One tenant per seismic network: a week of earthquakes goes through the brokers into one SQLite file per network,
 * is watched on its way, answered from, closed, reopened and verified byte for byte.
 *
 *   npm start                      the week of USGS data that ships with vega-datasets
 *   npm start -- quakes.geojson    your own file of that shape, e.g. a USGS feed
 */
import 'reflect-metadata'
import { resolve } from 'node:path'
import { EventBroker, PersistCommitted, PersistEvent, Persistency, unwrap } from 'persistency'
import { jobContainer, registerPersistency } from 'persistency/di'
import { Subscription } from 'rxjs'
import { container, type DependencyContainer } from 'tsyringe'
import { type Quake, readQuakes } from './seismic/geojson.js'
import { Progress, printTable } from './seismic/print.js'
import { decode, encode, keyOf, QuakeArchive } from './seismic/quake-archive.js'

const ROOT = resolve('data/seismic-network')
const NUMBER = { right: true }

/** Opens the persistency and one child container per network. */
async function openNetworks(names: readonly string[]): Promise<Map<string, DependencyContainer>> {
  unwrap(registerPersistency(container, ROOT))
  const opened = await Promise.all(names.map((name) => jobContainer(container, name)))
  return new Map(names.map((name, i) => [name, unwrap(opened[i]!)]))
}

const archives = (networks: Map<string, DependencyContainer>) =>
  new Map([...networks].map(([name, child]) => [name, child.resolve(QuakeArchive)]))

async function writeAll(networks: Map<string, DependencyContainer>, quakes: readonly Quake[]): Promise<void> {
  const brokers = [...networks.values()].map((child) => child.resolve(EventBroker))
  const progress = new Progress('writing', quakes.length)
  let accepted = 0
  let committed = 0
  let transactions = 0
  const watching = new Subscription()
  for (const broker of brokers) {
    watching.add(broker.on(PersistEvent).subscribe(() => accepted++))
    watching.add(
      broker.on(PersistCommitted).subscribe(({ ops }) => {
        committed += ops
        transactions++
        progress.update(committed)
      })
    )
  }
  const byNetwork = archives(networks)
  const started = performance.now()
  for (const [index, quake] of quakes.entries()) {
    unwrap(await byNetwork.get(quake.properties.net)!.store(quake))
    // Let the terminal and the other threads have a turn now and then.
    if (index % 200 === 0) await new Promise(setImmediate)
  }
  for (const archive of byNetwork.values()) unwrap(await archive.job.flush({ durable: true }))
  watching.unsubscribe()
  const ms = Math.round(performance.now() - started)
  progress.finish(
    `${accepted} events accepted, ${committed} committed in ${transactions} transactions, on disk after ${ms} ms`
  )
}

const titled = (quake: Quake): string[] => {
  const { mag, place, net, time } = quake.properties
  return [
    mag?.toFixed(1) ?? '?',
    net,
    new Date(time).toISOString().slice(0, 16).replace('T', ' '),
    place ?? ''
  ]
}

async function answer(byNetwork: Map<string, QuakeArchive>): Promise<void> {
  const counts: [string, number][] = []
  for (const [name, archive] of byNetwork) counts.push([name, unwrap(await archive.count())])
  console.log('\nquakes per network')
  const most = counts.sort(([, a], [, b]) => b - a)
  printTable(
    [{ title: 'network' }, { title: 'quakes', ...NUMBER }],
    most.map(([name, n]) => [name, String(n)])
  )

  const strongest: Quake[] = []
  for (const archive of byNetwork.values()) for await (const row of archive.all()) strongest.push(decode(row))
  strongest.sort((a, b) => (b.properties.mag ?? 0) - (a.properties.mag ?? 0))
  console.log('\nthe strongest ten')
  const columns = [{ title: 'mag', ...NUMBER }, { title: 'net' }, { title: 'time (UTC)' }, { title: 'place' }]
  printTable(columns, strongest.slice(0, 10).map(titled))

  const [name, archive] = [most[0]![0], byNetwork.get(most[0]![0])!]
  const noon = strongest.find((quake) => quake.properties.net === name)!.properties.time
  const day = new Date(new Date(noon).setUTCHours(0, 0, 0, 0))
  const next = new Date(day.getTime() + 86_400_000)
  const forwards = unwrap(await archive.between(day, next)).map(decode)
  const backwards = unwrap(await archive.between(day, next, true)).map(decode)
  const mirrored =
    forwards.map(({ id }) => id).join() ===
    backwards
      .map(({ id }) => id)
      .reverse()
      .join()
  console.log(
    `\n${name} on ${day.toISOString().slice(0, 10)}: ${forwards.length} quakes, read both ways ${mirrored ? 'alike' : 'DIFFERENTLY'}`
  )
  printTable(columns, [forwards[0]!, backwards[0]!].map(titled))
}

/** Deletes two quakes, each its own way; answers their ids. */
async function deleteSome(
  byNetwork: Map<string, QuakeArchive>,
  quakes: readonly Quake[]
): Promise<Set<string>> {
  const [first, second] = [quakes[0]!, quakes.at(-1)!]
  const archiveOf = (quake: Quake): QuakeArchive => byNetwork.get(quake.properties.net)!
  const was = unwrap(await archiveOf(first).forget(first))
  unwrap(await archiveOf(second).forgetMoment(second.properties.time))
  console.log(
    `\ndeleted ${first.id} (acked: ${was ? 'it was there' : 'it was NOT there'}) and everything of ${second.properties.net} at ${second.properties.time} by prefix`
  )
  const gone = quakes.filter(
    ({ properties }) => properties.net === second.properties.net && properties.time === second.properties.time
  )
  return new Set([first.id, ...gone.map(({ id }) => id)])
}

/** Compares what is stored with what was written; answers whether all of it is there, and nothing else. */
async function verify(byNetwork: Map<string, QuakeArchive>, quakes: readonly Quake[]): Promise<boolean> {
  const rows: string[][] = []
  for (const [name, archive] of byNetwork) {
    const expected = new Map(
      quakes
        .filter(({ properties }) => properties.net === name)
        .map((quake) => [keyOf(quake).toString(), encode(quake)])
    )
    let [same, wrong] = [0, 0]
    for await (const row of archive.all()) {
      const bytes = expected.get(row.key.toString())
      if (bytes !== undefined && Buffer.compare(bytes, row.payload) === 0) same++
      else wrong++
      expected.delete(row.key.toString())
    }
    rows.push([name, String(same), String(wrong), String(expected.size)])
  }
  console.log('\nreopened from the files, every row compared')
  printTable(
    [
      { title: 'network' },
      { title: 'same', ...NUMBER },
      { title: 'different', ...NUMBER },
      { title: 'missing', ...NUMBER }
    ],
    rows
  )
  return rows.every(([, , wrong, missing]) => wrong === '0' && missing === '0')
}

async function main(): Promise<void> {
  const quakes = readQuakes(process.argv[2])
  const names = [...new Set(quakes.map(({ properties }) => properties.net))]
  console.log(`${quakes.length} quakes of ${names.length} networks, stored in ${ROOT}`)

  let networks = await openNetworks(names)
  let found = 0
  for (const archive of archives(networks).values()) found += unwrap(await archive.count())
  console.log(found === 0 ? 'nothing is stored yet' : `found ${found} quakes of an earlier run`)

  await writeAll(networks, quakes)
  await answer(archives(networks))
  const gone = await deleteSome(archives(networks), quakes)
  unwrap(await container.resolve(Persistency).close())

  networks = await openNetworks(names)
  const whole = await verify(
    archives(networks),
    quakes.filter(({ id }) => !gone.has(id))
  )
  unwrap(await container.resolve(Persistency).close())
  console.log(whole ? '\nall rows verified' : '\nVERIFICATION FAILED')
  process.exitCode = whole ? 0 : 1
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
  process.exitCode = 1
}
