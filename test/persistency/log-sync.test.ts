import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { LogSync } from '../../dist/persistency/storage/log-sync.js'

const directory = mkdtempSync(join(tmpdir(), 'log-sync-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Whether work of the event loop is under way besides what this test does. */
async function isIdleAtOnce(sync: LogSync): Promise<boolean> {
  let idle = false
  void sync.idle().then(() => {
    idle = true
  })
  for (let i = 0; i < 5; i++) await undefined
  return idle
}

/** Files of the folder that this process has open, where that can be seen. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return []
  const descriptors = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // Others close theirs meanwhile, and reading the folder took one.
      return ''
    }
  })
  return descriptors.filter((path) => path.startsWith(directory))
}

describe('LogSync', () => {
  it('waits until a good part of what a checkpoint takes has been written', async () => {
    const file = join(directory, 'some.db')
    writeFileSync(`${file}-wal`, new Uint8Array(8192))
    const sync = new LogSync(file)
    for (let i = 0; i < 200; i++) sync.wrote(1, 100)
    expect(await isIdleAtOnce(sync)).toBe(true)
    for (let i = 0; i < 1000; i++) sync.wrote(1, 100)
    expect(await isIdleAtOnce(sync)).toBe(false)
    await sync.idle()
    expect(await isIdleAtOnce(sync)).toBe(true)
  })

  it('counts the bytes of rows, and not more than some pages for their number', async () => {
    const file = join(directory, 'rows.db')
    writeFileSync(`${file}-wal`, '')
    const sync = new LogSync(file)
    for (let i = 0; i < 50; i++) sync.wrote(10_000, 0)
    expect(await isIdleAtOnce(sync)).toBe(true)
    sync.wrote(1, 4096 * 1000)
    expect(await isIdleAtOnce(sync)).toBe(false)
    await sync.idle()
  })

  it('takes it that there may be no log, and keeps nothing open', async () => {
    const file = join(directory, 'other.db')
    writeFileSync(`${file}-wal`, '')
    for (const name of [file, join(directory, 'none.db')]) {
      const sync = new LogSync(name)
      sync.wrote(1, 4096 * 1000)
      await sync.idle()
    }
    expect(openFiles()).toEqual([])
  })
})
