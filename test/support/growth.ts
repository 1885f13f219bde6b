/** Owns telling how a cost grows without depending on the speed of the machine: the same work for few and for eight times as many. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const TIMES = 8

/** Of what grows linearly many cost as much as few eight times over, of what grows with the square 8 times as much. */
export const LINEAR = 3

/** What does not grow costs an eighth of that. */
export const CONSTANT = 0.5

const MIN_ROUNDS = 2
const MAX_ROUNDS = 10

/**
 * How many times as much `work` costs for `8 * n` as for `n` eight times over, at the best of several rounds each: as many
 * items either way, so that the garbage of them is collected about as often. It returns the cost of what counts of it.
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
    few = Math.min(few, await severalTimes(() => work(n)))
    many = Math.min(many, await severalTimes(() => work(TIMES * n), 1))
    if (round >= MIN_ROUNDS && many < (few * bound) / 1.5) break
  }
  return many / few
}

/** The cost of all together. */
async function severalTimes(work: () => Promise<number>, times = TIMES): Promise<number> {
  collectGarbage()
  let sum = 0
  for (let time = 1; time <= times; time++) sum += await work()
  return sum
}

/**
 * The microseconds that the process works on something. The clock would tell of others, too, who use the machine: what is
 * short is done before it is their turn.
 */
export async function cost(body: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await body()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
