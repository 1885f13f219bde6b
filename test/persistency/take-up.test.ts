import { resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { spawnNode } from '../support/spawn-node.js'
import { useStorage } from '../support/storage-folder.js'

const storage = useStorage()
const CHILD = resolve(import.meta.dirname, '../torture/children/take-up.mjs')

// Where the transaction goes on, whether the last write is in it as well depends on the moment.
test.each([
  ['within a transaction', 'conflict', 'ERR_CONFLICT', 6],
  ['with its transaction', 'rollback', 'ERR_STORAGE', 1]
])(
  'a write that had failed %s before its thread died is told as failed, before anything behind it',
  async (_, how, code, rounds) => {
    for (let round = 0; round < rounds; round++) {
      const { stdout, stderr } = await spawnNode(
        [CHILD, storage.folder(), how],
        resolve(import.meta.dirname, '../..')
      )
      const { outcomes, told, rows, struck } = JSON.parse(stdout || stderr)
      expect(struck).toBe(true)
      expect(outcomes).toEqual(['ok', code, 'ok', 'ok'])
      expect(told[0]).toBe('failed 2')
      expect(told.slice(1)).toEqual(['committed 3 to 3'])
      expect(rows).toBe(2)
    }
  }
)
