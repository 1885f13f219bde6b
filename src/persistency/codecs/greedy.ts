/** Owns the one rule about codecs that read everything that is left: nothing can be read behind them. */
import { describeValue } from '../describe.js'
import type { AnyCodec } from './codec.js'

/** @throws TypeError naming a member that is no codec of this package, or reads all the rest without being the last one. */
export function refuseGreedyBeforeLast(members: readonly (readonly [name: string, codec: AnyCodec])[]): void {
  for (const [name, codec] of members) {
    const { write, read } = (codec ?? {}) as { readonly write?: unknown; readonly read?: unknown }
    if (typeof write === 'function' && typeof read === 'function') continue
    throw new TypeError(`${name} must be a codec made with this package; got ${describeValue(codec)}`)
  }
  for (const [name, codec] of members.slice(0, -1)) {
    if (codec.greedy)
      throw new TypeError(`${name} reads all the rest (${codec.label}), so it must be the last one`)
  }
}
