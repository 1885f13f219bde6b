/** Owns how long the trials measure that go by time. */

const quick = process.argv.includes('--quick')

export const MEASURE = {
  warmUpMs: quick ? 10 : 1500,
  measureMs: quick ? 20 : 1000,
  samples: quick ? 50 : 4000
}

/** Of reads by key: a call that is made a thousand times a second is compiled, on both sides, after two or three. */
export const KEY_READS = { ...MEASURE, warmUpMs: quick ? 10 : 4000 }
