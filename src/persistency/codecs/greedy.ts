/** Owns the one rule about codecs that read everything that is left: nothing can be read behind them. */
import { demand, withFunctions } from '../checks/declarations.js'
import type { AnyCodec } from './codec.js'

const ownCodec = withFunctions('a codec made with this package', 'write', 'read')

/** @throws TypeError naming a member that is no codec of this package, or reads all the rest without being the last one. */
export function refuseGreedyBeforeLast(members: readonly (readonly [name: string, codec: AnyCodec])[]): void {
  for (const [name, codec] of members) demand(name, codec, ownCodec)
  for (const [name, codec] of members.slice(0, -1)) {
    if (codec.greedy)
      throw new TypeError(`${name} reads all the rest (${codec.label}), so it must be the last one`)
  }
}
