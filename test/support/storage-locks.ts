/** Locks that no test leaves behind. */
import { afterEach } from '@jest/globals'
import { holdLock } from './storage-sqlite.js'

/**
 * Call it at the top of a test file, before `useStorage`: `holdLock`, of which everything is released after each test,
 * and before anything is closed that would wait for it.
 */
export function useLocks(): typeof holdLock {
  const held: ReturnType<typeof holdLock>[] = []
  afterEach(() => {
    for (const lock of held.splice(0)) lock.release()
  })
  return (...args) => {
    const lock = holdLock(...args)
    held.push(lock)
    return lock
  }
}
