/** Owns the ways to open a job that the model is compared with. A new way is a line here. */
import type { PersistencyOptions } from 'persistency'

export interface Opener {
  readonly name: string
  /** Whether jobs live in files, and so survive their closing; otherwise they live in memory. */
  readonly stored: boolean
  /** A thread for each job, one that they share and die with, or none that could die. */
  readonly threads: 'each' | 'one' | 'none'
  readonly options: Omit<PersistencyOptions, 'rootDir'>
}

const NO_THREAD = { threads: 'none' } as const

export const OPENERS: readonly Opener[] = [
  { name: 'a thread each', stored: true, threads: 'each', options: {} },
  { name: 'a thread each, little room', stored: true, threads: 'each', options: { maxQueueOps: 5 } },
  { name: 'a thread each, mapped', stored: true, threads: 'each', options: { mmapSizeBytes: 2 ** 30 } },
  { name: 'a thread each, in memory', stored: false, threads: 'each', options: {} },
  { name: 'a thread each, with a journal', stored: true, threads: 'each', options: { journal: true } },
  { name: 'one thread for all', stored: true, threads: 'one', options: { threads: { shared: 1 } } },
  {
    name: 'one thread for all, with a journal that is cut',
    stored: true,
    threads: 'one',
    options: { threads: { shared: 1 }, journal: { maxEvents: 10 } }
  },
  {
    name: 'one thread and one open file for all',
    stored: true,
    threads: 'one',
    options: { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' }
  },
  {
    name: 'a thread each, and another one after its death',
    stored: true,
    threads: 'each',
    options: { restart: true, maxQueueOps: 8 }
  },
  {
    name: 'one thread and one open file for all, and another one after its death',
    stored: true,
    threads: 'one',
    options: { restart: true, threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' }
  },
  { name: 'no thread', stored: true, threads: 'none', options: NO_THREAD },
  { name: 'no thread, in memory', stored: false, threads: 'none', options: NO_THREAD },
  {
    name: 'no thread, with a journal',
    stored: true,
    threads: 'none',
    options: { ...NO_THREAD, journal: true }
  },
  {
    name: 'no thread, little room',
    stored: true,
    threads: 'none',
    options: { ...NO_THREAD, maxQueueOps: 5 }
  },
  {
    name: 'no thread, one open file for all',
    stored: true,
    threads: 'none',
    options: { ...NO_THREAD, maxOpenJobs: 1, whenIdle: 'close' }
  }
]
