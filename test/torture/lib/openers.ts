/** Owns the ways to open a job that the model is compared with. A new way is a line here. */
import type { JobOptions } from 'persistency'

export interface Opener {
  readonly name: string
  /** Whether jobs live in files, and so survive their closing; otherwise they live in memory. */
  readonly stored: boolean
  readonly options: JobOptions
}

export const OPENERS: readonly Opener[] = [
  { name: 'a thread each', stored: true, options: {} },
  { name: 'a thread each, little room', stored: true, options: { maxQueueOps: 5 } },
  { name: 'a thread each, in memory', stored: false, options: {} }
]
