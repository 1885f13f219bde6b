/** Owns the torture by chance: several tenants are written, read, closed, opened and killed at random, beside a model. */
import { join } from 'node:path'
import { ModelWorld } from '../lib/model-world.js'
import { OPENERS, type Opener } from '../lib/openers.js'
import type { Scenario } from '../lib/scenario.js'

const STEPS = 120

export const model: Scenario = {
  name: 'model',
  promise: 'whatever the order of calls, every answer is that of a sorted map, and so is the file',
  rounds: { short: OPENERS.length, long: 400 * OPENERS.length },
  async round({ index, random, folder, count }) {
    const opener = OPENERS[index % OPENERS.length] as Opener
    const world = new ModelWorld(opener, random, join(folder, 'data'))
    try {
      for (let left = STEPS; left > 0; left--) await world.step()
      await world.end()
    } catch (cause) {
      throw new Error(`${opener.name}: ${world.lastSteps()}`, { cause })
    } finally {
      await world.close()
    }
    for (const [what, times] of world.counts) count(what, times)
  }
}
