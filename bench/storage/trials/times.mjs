/** Owns how long the trials measure that go by time. */

const quick = process.argv.includes('--quick')

export const MEASURE = {
  warmUpMs: quick ? 10 : 1500,
  measureMs: quick ? 20 : 1000,
  samples: quick ? 50 : 4000
}
