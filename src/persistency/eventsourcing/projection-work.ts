/** Owns folding the events of one transaction into the rows of a projection. */
import { untraced } from '../../brokers/definitions.js'
import type { Ask } from '../ask.js'
import type { JournalEvent } from '../journal/types.js'
import type { Key } from '../keys/keys.js'
import { KvGetMany } from '../messages.js'
import type { TxOp } from '../types.js'
import type { BatchOutcome, BatchWork, BeginBatch } from './batch-work.js'
import type { DomainEvent } from './domain-events.js'
import { folded, type ProjectionDefinition, placeOf } from './projection-definition.js'

const GetRows = untraced(KvGetMany)

/** A row within a batch. */
interface Row {
  readonly key: Key
  payload: Uint8Array | undefined
  changed: boolean
}

/** Rows are read once per batch and written once, however many events they have. */
export function projectionBatches<Event extends DomainEvent, State>(
  ask: Ask,
  definition: ProjectionDefinition<Event, State>
): BeginBatch {
  return async (events) => {
    const work = new ProjectionWork(ask, definition)
    await work.read(events.flatMap((event) => work.keysOf(event)))
    return work
  }
}

class ProjectionWork<Event extends DomainEvent, State> implements BatchWork {
  readonly #ask: Ask
  readonly #definition: ProjectionDefinition<Event, State>
  readonly #rows = new Map<string, Row>()

  constructor(ask: Ask, definition: ProjectionDefinition<Event, State>) {
    this.#ask = ask
    this.#definition = definition
  }

  /** Which row an event needs; none for one that cannot be read, which is found out when its turn comes. */
  keysOf(event: JournalEvent): Key[] {
    try {
      const found = event.kind === 'event' ? placeOf(this.#definition, event) : undefined
      return found === undefined ? [] : [found.key]
    } catch {
      return []
    }
  }

  async read(keys: readonly Key[]): Promise<void> {
    const { category } = this.#definition
    const wanted = new Map(keys.map((key) => [key.toString(), key]))
    if (wanted.size === 0) return
    const query = { category, keys: [...wanted.values()] }
    const found = await this.#ask(GetRows, query, { timeoutMs: Number.POSITIVE_INFINITY })
    if (found.isErr()) throw found.error
    for (const [index, [name, key]] of [...wanted].entries()) {
      this.#rows.set(name, { key, payload: found.value.payloads[index], changed: false })
    }
  }

  async add(recorded: JournalEvent): Promise<void> {
    if (recorded.kind !== 'event') return
    const after = folded(this.#definition, recorded, (name) => this.#row(name).payload)
    if (after === undefined) return
    const row = this.#row(after.name)
    row.payload = after.payload
    row.changed = true
  }

  outcome(): BatchOutcome {
    const { category } = this.#definition
    const changed = [...this.#rows.values()].filter((row) => row.changed)
    const ops = changed.map(
      ({ key, payload }): TxOp =>
        payload === undefined ? { kind: 'delete', category, key } : { kind: 'put', category, key, payload }
    )
    return { ops, append: [] }
  }

  #row(name: string): Row {
    const row = this.#rows.get(name)
    if (row !== undefined) return row
    throw new TypeError('the key of an event must be the same each time it is asked for')
  }
}
