/** The threads for checks and compactions, when they cannot be started or end before their work is done. */
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { useStorage } from '../support/storage-folder.js'
import { rowsIn } from '../support/storage-sqlite.js'
import { runChild } from '../torture/lib/children.js'

const storage = useStorage()

test.each([
  ['cannot be started', 'refused', 'ERR_WORKER_INIT_FAILED', 'no room for a thread'],
  ['ends without a word', 'silent', undefined, 'the thread for it ended early'],
  ['ends by an exception', 'broken', undefined, 'broken on purpose']
])(
  'a check or a compaction whose thread %s is an error, and all else goes on',
  async (_, way, backendCode, message) => {
    const root = storage.folder()
    const file = join(root, 'tenant.db')
    const failed = {
      code: 'ERR_STORAGE',
      message: `${file}: ${message}`,
      ...(backendCode !== undefined && { backendCode })
    }
    const [report] = await runChild('aside-faults', { root, way }, { limitMs: 20_000 })
    expect(report).toMatchObject({
      before: { write: 'ok' },
      meanwhile: { verify: failed, compact: failed, write: 'ok', backup: 'ok' },
      after: { verify: 'ok', compact: 'ok', write: 'ok' },
      rows: 3,
      closing: { job: 'ok', owner: 'ok' },
      // A thread that does not end by itself is ended with another code.
      exits: [0]
    })
    expect(rowsIn(join(root, 'copy'))).toHaveLength(2)
  }
)
