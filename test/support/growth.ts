/** Owns telling how a cost grows without depending on the speed of the machine: the same work for few and for eight times as many. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const TIMES = 8

/** What grows linearly takes 8 times as long, what grows with the square 64 times. */
export const LINEAR = 24

/** What does not grow takes as long, what grows linearly 8 times. */
export const CONSTANT = 4

const MIN_ROUNDS = 2
const MAX_ROUNDS = 10

/**
 * How many times as much `work` costs for `8 * n` as for `n`, at the best of several rounds each. It returns the cost of what
 * counts of it.
 *
 * @param bound there are no more rounds once it is well below
 */
export async function growth(
  bound: number,
  n: number,
  work: (n: number) => Promise<number>
): Promise<number> {
  let [few, many] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  await work(n)
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    few = Math.min(few, await work(n))
    many = Math.min(many, await work(TIMES * n))
    if (round >= MIN_ROUNDS && many < (few * bound) / 2) break
  }
  return many / few
}

/**
 * The microseconds that the process works on something. The clock would tell of others, too, who use the machine: what is
 * short is done before it is their turn.
 */
export async function cost(body: () => unknown): Promise<number> {
  collectGarbage()
  const before = process.cpuUsage()
  await body()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
