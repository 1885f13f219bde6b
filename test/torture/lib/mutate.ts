/** Owns damage to bytes: the ways in which a fuzzer turns something valid into something that is nearly valid. */
import type { Random } from './random.js'

/** Numbers at which lengths and counts go wrong. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => changed(bytes, random, (old) => old ^ (1 << random.integer(0, 7))),
  (bytes, random) => changed(bytes, random, () => random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff])),
  (bytes, random) => {
    if (bytes.length < 4) return bytes
    const copy = bytes.slice()
    new DataView(copy.buffer).setUint32(random.integer(0, copy.length - 4), random.pick(EDGES))
    return copy
  },
  (bytes, random) => bytes.slice(0, random.integer(0, bytes.length)),
  (bytes, random) => Buffer.concat([bytes, random.bytes(random.integer(1, 40))]),
  (bytes, random) => {
    const [from, to] = slice(bytes, random)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (bytes, random) => {
    const [from, to] = slice(bytes, random)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  (bytes, random) => {
    const [from, to] = slice(bytes, random)
    const copy = bytes.slice()
    copy.set(random.bytes(to - from), from)
    return copy
  }
]

/** A damaged copy, damaged in one to four ways, of `bytes` or of `bytes` joined with a part of `other`. */
export function mutate(bytes: Uint8Array, random: Random, other?: Uint8Array): Uint8Array {
  let damaged = bytes
  if (other !== undefined && random.chance(0.15)) {
    const [from, to] = slice(other, random)
    damaged = Buffer.concat([bytes.subarray(0, random.integer(0, bytes.length)), other.subarray(from, to)])
  }
  for (let left = random.integer(1, 4); left > 0; left--) damaged = random.pick(MUTATIONS)(damaged, random)
  return new Uint8Array(damaged)
}

function changed(bytes: Uint8Array, random: Random, change: (old: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes
  const copy = bytes.slice()
  const at = random.integer(0, copy.length - 1)
  copy[at] = change(copy[at] as number)
  return copy
}

function slice(bytes: Uint8Array, random: Random): readonly [number, number] {
  const from = random.integer(0, bytes.length)
  return [from, Math.min(bytes.length, from + random.integer(0, 32))]
}
