/** The process as Node.js sees it. Jest hands tests a copy of `process`, which hears nothing. */
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { runInThisContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach } from '@jest/globals'

const realProcess = runInThisContext('process') as NodeJS.Process

export interface PackageWarning extends Error {
  readonly code: string
}

/**
 * Call it at the top of a test file, behind `useStorage`: the threads that each test starts, in order. A test fails when
 * one of them is left when everything is closed.
 */
export function useWorkers() {
  const started: Worker[] = []
  const alive = new Set<Worker>()
  const onWorker = (worker: Worker): void => {
    started.push(worker)
    alive.add(worker)
    worker.once('exit', () => alive.delete(worker))
  }
  beforeEach(() => {
    started.length = 0
    realProcess.on('worker', onWorker)
  })
  afterEach(async () => {
    realProcess.off('worker', onWorker)
    const left = [...alive]
    await Promise.all(left.map((worker) => worker.terminate()))
    if (left.length > 0) throw new Error(`${left.length} of ${started.length} threads were left`)
  })
  return {
    started: started as readonly Worker[],
    /** Threads that have not ended yet. */
    get alive(): number {
      return alive.size
    },
    /** Resolves when the next thread runs. */
    async nextOnline(): Promise<void> {
      const [worker] = (await once(realProcess, 'worker')) as [Worker]
      await once(worker, 'online')
    },
    /** Ends the thread that was started last, as a fault in it would. It does nothing from the call on. */
    async killLast(): Promise<void> {
      const last = started.at(-1)
      if (last === undefined) throw new Error('no thread was started')
      await last.terminate()
    },
    /** Ends the next thread before it has begun to work. */
    async killNext(): Promise<void> {
      const [worker] = (await once(realProcess, 'worker')) as [Worker]
      await worker.terminate()
    }
  }
}

/** The databases under a folder that this process has open; only on Linux does it say. */
export function openDatabasesUnder(folder: string): string[] {
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // It was closed meanwhile.
      return []
    }
  })
  return open.filter((path) => path.startsWith(folder) && path.endsWith('.db')).map((path) => basename(path))
}

/** Call it at the top of a test file: the warnings of this package that each test causes. */
export function useWarnings() {
  const seen: PackageWarning[] = []
  const onWarning = (warning: Error): void => {
    if (warning.name === 'PersistencyWarning') seen.push(warning as PackageWarning)
  }
  beforeEach(() => {
    seen.length = 0
    realProcess.on('warning', onWarning)
  })
  afterEach(() => {
    realProcess.off('warning', onWarning)
  })
  return {
    seen: seen as readonly PackageWarning[],
    /** Resolves with the next warning; ask before it is caused. */
    async next(): Promise<PackageWarning> {
      for (;;) {
        const [warning] = (await once(realProcess, 'warning')) as [PackageWarning]
        if (warning.name === 'PersistencyWarning') return warning
      }
    }
  }
}
