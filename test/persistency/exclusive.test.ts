/** The exclusive owner of a directory: who is kept out, what they are told, and that a dead owner keeps nobody out. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { Persistency } from 'persistency'
import { runProgram, startProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const storage = useStorage()

const HOLD = `
  const owner = persistency.Persistency.open({ rootDir: root, exclusive: true })._unsafeUnwrap()
  const job = (await owner.openJob('tenant'))._unsafeUnwrap()
  console.log('holding ' + process.pid)
  setInterval(() => {}, 1000)
`

describe('an exclusive owner', () => {
  test('refuses a second process, which learns whom it is refused by and since when', async () => {
    const folder = storage.folder()
    const program = startProgram(folder, HOLD)
    await program.printed('holding')
    const error = await errorOf(Persistency.open({ rootDir: folder, exclusive: true }))
    program.kill('SIGKILL')
    const { stdout } = await program.ended
    const pid = Number(/holding (\d+)/.exec(stdout)?.[1])
    expect(error).toMatchObject({ code: 'ERR_ROOT_IN_USE', kind: 'inUse' })
    expect(error.message).toContain(`process ${pid} since `)
    const { since } = error.cause as { since: string }
    expect(Math.abs(Date.now() - Date.parse(since))).toBeLessThan(60_000)
  })

  test('that was killed keeps nobody out', async () => {
    const folder = storage.folder()
    const program = startProgram(folder, HOLD)
    await program.printed('holding')
    program.kill('SIGKILL')
    await program.ended
    const persistency = storage.owner({ rootDir: folder, exclusive: true })
    await okOf(persistency.openJob('tenant'))
  })

  test('keeps those out who did not ask to be exclusive, until it closes', async () => {
    const folder = storage.folder()
    const owner = storage.owner({ rootDir: folder, exclusive: true })
    await okOf(owner.openJob('tenant'))
    const other = storage.owner(folder)
    for (const answer of [
      other.openJob('tenant'),
      other.openJob('mine'),
      other.dropJob('tenant'),
      other.restore('mine', join(folder, 'copy'))
    ]) {
      expect(await errorOf(answer)).toMatchObject({ code: 'ERR_ROOT_IN_USE' })
    }
    expect((await errorOf(other.openJob('mine'))).message).toContain('by this process since ')
    expect(filesIn(folder)).not.toContain('mine.db')
    await okOf(owner.close())
    await okOf(other.openJob('tenant'))
  })

  test('opens, drops and opens again as it likes', async () => {
    const owner = storage.owner({ rootDir: storage.folder(), exclusive: true })
    await okOf(owner.openJob('tenant'))
    await okOf(owner.dropJob('tenant'))
    await okOf(owner.openJob('tenant'))
  })

  test('lets go when it closes, and the next one may be exclusive', async () => {
    const folder = storage.folder()
    for (let round = 0; round < 3; round++) {
      const owner = storage.owner({ rootDir: folder, exclusive: true })
      expect(await errorOf(Persistency.open({ rootDir: folder, exclusive: true }))).toMatchObject({
        code: 'ERR_ROOT_IN_USE'
      })
      await okOf(owner.close())
    }
  })

  test('makes the directory at once', async () => {
    const root = join(storage.folder(), 'new')
    storage.owner({ rootDir: root, exclusive: true })
    expect(filesIn(root)).toEqual(['.persistency-owner'])
  })

  test('of jobs in memory makes no sense, and is refused', async () => {
    const error = await errorOf(Persistency.open({ rootDir: ':memory:', exclusive: true }))
    expect(error).toMatchObject({ code: 'ERR_OPTION' })
  })

  test('that is forgotten holds on, and ends with its process', async () => {
    const folder = storage.folder()
    const { stdout, code } = await runProgram(
      folder,
      `const { setFlagsFromString } = await import('node:v8')
       const { runInNewContext } = await import('node:vm')
       setFlagsFromString('--expose-gc')
       const collect = runInNewContext('gc')
       ;(() => { persistency.Persistency.open({ rootDir: root, exclusive: true })._unsafeUnwrap() })()
       collect()
       await new Promise((resolve) => setImmediate(resolve))
       collect()
       console.log(persistency.Persistency.open({ rootDir: root, exclusive: true }).error.code)`
    )
    expect([code, stdout.trim()]).toEqual([0, 'ERR_ROOT_IN_USE'])
    storage.owner({ rootDir: folder, exclusive: true })
  })
})

test('without the option, no lock file is made', async () => {
  const { root } = await storage.open()
  expect(existsSync(join(root, '.persistency-owner'))).toBe(false)
})

test('of many processes that want to be exclusive at once, one is', async () => {
  const folder = storage.folder()
  const source = `
    const opened = persistency.Persistency.open({ rootDir: root, exclusive: true })
    console.log(opened.isOk() ? 'mine ' + process.pid : opened.error.message)
    console.log('tried')
    process.stdin.resume()
    process.stdin.once('end', () => process.exit())`
  const programs = Array.from({ length: 4 }, () => startProgram(folder, source))
  await Promise.all(programs.map((program) => program.printed('tried')))
  for (const program of programs) program.endInput()
  const printed = (await Promise.all(programs.map(({ ended }) => ended))).map(({ stdout }) => stdout)
  const winners = printed.flatMap((text) => /mine (\d+)/.exec(text)?.[1] ?? [])
  expect(winners).toHaveLength(1)
  const told = printed.filter((text) => text.includes('is held exclusively by'))
  expect(told).toHaveLength(3)
})

test('an owner that finds the file as another thread makes it keeps its lock on it', async () => {
  const folder = storage.folder()
  // Stands in for the other thread, whose locks are those of this process as well.
  const program = startProgram(
    folder,
    `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const open = () => persistency.Persistency.open({ rootDir: root, exclusive: true, threads: 'none' })
    const { closeSync } = fs
    let closed = 0
    let early
    fs.closeSync = (file) => {
      closed++
      if (fs.existsSync(root + '/.persistency-owner')) early ??= open()
      closeSync(file)
    }
    syncBuiltinESMExports()
    const late = open()
    console.log('holding', closed, [early, late].filter((opened) => opened?.isOk()).length)
    process.stdin.resume()
    process.stdin.once('end', () => process.exit())`
  )
  await program.printed('holding')
  const refused = await errorOf(Persistency.open({ rootDir: folder, exclusive: true }))
  program.endInput()
  const { stdout, stderr } = await program.ended
  expect([refused.code, stdout, stderr]).toEqual(['ERR_ROOT_IN_USE', 'holding 1 1\n', ''])
})
