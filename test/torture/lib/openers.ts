/** Owns the ways to open a job that the model is compared with. A new way is a line here. */
import type { PersistencyOptions } from 'persistency'

export interface Opener {
  readonly name: string
  /** Whether jobs live in files, and so survive their closing; otherwise they live in memory. */
  readonly stored: boolean
  /** Whether all jobs live on one thread, and die with it. */
  readonly oneThread: boolean
  readonly options: Omit<PersistencyOptions, 'rootDir'>
}

export const OPENERS: readonly Opener[] = [
  { name: 'a thread each', stored: true, oneThread: false, options: {} },
  { name: 'a thread each, little room', stored: true, oneThread: false, options: { maxQueueOps: 5 } },
  { name: 'a thread each, in memory', stored: false, oneThread: false, options: {} },
  { name: 'a thread each, with a journal', stored: true, oneThread: false, options: { journal: true } },
  { name: 'one thread for all', stored: true, oneThread: true, options: { threads: { shared: 1 } } },
  {
    name: 'one thread for all, with a journal that is cut',
    stored: true,
    oneThread: true,
    options: { threads: { shared: 1 }, journal: { maxEvents: 10 } }
  },
  {
    name: 'one thread and one open file for all',
    stored: true,
    oneThread: true,
    options: { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' }
  },
  {
    name: 'a thread each, and another one after its death',
    stored: true,
    oneThread: false,
    options: { restart: true, maxQueueOps: 8 }
  },
  {
    name: 'one thread and one open file for all, and another one after its death',
    stored: true,
    oneThread: true,
    options: { restart: true, threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' }
  }
]
