import { resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { spawnNode } from '../support/spawn-node.js'
import { useStorage } from '../support/storage-folder.js'

const storage = useStorage()
const CHILD = resolve(import.meta.dirname, '../torture/children/take-up.mjs')
/** Whether the last write is in the transaction of the failed one depends on the moment. */
const ROUNDS = 6

test('a write that had failed before its thread died is told as failed, before anything behind it', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { stdout, stderr } = await spawnNode(
      [CHILD, storage.folder()],
      resolve(import.meta.dirname, '../..')
    )
    const { outcomes, told, rows, struck } = JSON.parse(stdout || stderr)
    expect(struck).toBe(true)
    expect(outcomes).toEqual(['ok', 'ERR_CONFLICT', 'ok', 'ok'])
    expect(told[0]).toBe('failed 2')
    expect(told.slice(1)).toEqual(['committed 3 to 3'])
    expect(rows).toBe(2)
  }
})
