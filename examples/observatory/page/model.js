/** Owns what the page knows: the frames, the tenants and the last events, as the server told them. */

const MAX_HAPPENINGS = 200
/** So many tenants have a colour of their own. */
const SLOTS = 6

export class Model {
  rootDir = ''
  intervalMs = 1000
  /** Frames, oldest first: `{ at, tenants: Map of id to numbers }`. */
  frames = []
  /** By id, in the order of their first appearance. */
  tenants = new Map()
  happenings = []
  maxFrames = 1
  #slots = new Map()

  /** Everything anew, at the beginning and after a gap. */
  reset({ rootDir, intervalMs, maxFrames, tenants, frames, happenings }) {
    this.rootDir = rootDir
    this.intervalMs = intervalMs
    this.maxFrames = maxFrames
    this.tenants.clear()
    this.frames = frames.map(indexed)
    this.happenings = happenings
    this.#learn(tenants)
    for (const frame of this.frames) for (const id of frame.tenants.keys()) this.#colour(id)
  }

  apply({ frame, tenants, gone, happenings }) {
    this.frames = [...this.frames, indexed(frame)].slice(-this.maxFrames)
    this.happenings = [...this.happenings, ...happenings].slice(-MAX_HAPPENINGS)
    for (const id of gone) this.tenants.delete(id)
    this.#learn(tenants)
  }

  /** The colour of a tenant, as the class that carries it. */
  slotOf(id) {
    return `slot-${this.#slots.get(id) ?? 'other'}`
  }

  #learn(tenants) {
    for (const tenant of tenants) {
      this.tenants.set(tenant.id, tenant)
      // Tenants that were never open draw no line, and need no colour.
      if (tenant.state !== 'closed') this.#colour(tenant.id)
    }
  }

  #colour(id) {
    if (!this.#slots.has(id) && this.#slots.size < SLOTS) this.#slots.set(id, this.#slots.size)
  }
}

function indexed({ at, tenants }) {
  return { at, tenants: new Map(tenants.map((tenant) => [tenant.id, tenant])) }
}
