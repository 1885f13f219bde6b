/** Owns what a scenario is: rounds that each try to break one promise, in a short and in a long form. */
import type { Random } from './random.js'

/** What one round gets to work with. */
export interface Round {
  /** From 0; with the seed it decides everything that chance decides. */
  readonly index: number
  readonly form: 'short' | 'long'
  readonly random: Random
  /** An empty folder of this round; it is removed when the round has held. */
  readonly folder: string
  /** Counts something that was tried, for the summary. */
  count(what: string, by?: number): void
  /** Notes a figure for the summary; of several rounds the largest is kept. */
  figure(what: string, value: number, unit: string): void
  /** Tells that something cannot be tried here, and why. */
  skip(why: string): void
}

export interface Scenario {
  readonly name: string
  /** The promise that the rounds try to break, in one sentence. */
  readonly promise: string
  /** How many rounds each form has. */
  readonly rounds: { readonly short: number; readonly long: number }
  /** Throws when the promise is broken. */
  readonly round: (round: Round) => Promise<void>
}
