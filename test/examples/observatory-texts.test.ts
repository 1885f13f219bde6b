/** How the observatory reads keys and prefixes, and shows foreign bytes. */
import { describe, expect, test } from '@jest/globals'
import { int64, key, rawKey, uint64 } from 'persistency'
import { parsePrefix, readKey } from '../../examples/observatory/key-text.js'
import { preview, visible } from '../../examples/observatory/printable.js'
import { keyOf, utf8 } from '../support/storage-results.js'

const read = (bytes: Uint8Array): string[] => readKey(bytes).map(({ as, text }) => `${as} ${text}`)
const prefix = (typed: string): string =>
  parsePrefix(typed).match(
    (made) => made.toString(),
    (error) => `error: ${error}`
  )

describe('keys are read', () => {
  test('as texts and integers, where they come out even', () => {
    expect(read(key('north', 2026, -1).bytes)).toEqual(['text north', 'number 2026', 'number -1'])
    expect(read(key(uint64(1_700_000_000_000n), 'a').bytes)).toEqual(['number 1700000000000', 'text a'])
    expect(read(key('', 'über').bytes)).toEqual(['text ', 'text über'])
    expect(read(rawKey(new Uint8Array()).bytes)).toEqual([])
  })

  test('as one text, where they are nothing else', () => {
    expect(read(utf8('user:17'))).toEqual(['text user:17'])
  })

  test('in hex, where they cannot be printed', () => {
    expect(read(keyOf(1, 2, 3).bytes)).toEqual(['hex 010203'])
    expect(read(utf8('a\nb'))).toEqual(['hex 610a62'])
    expect(read(key('\u202eexe').bytes)).toEqual(['hex 0006e280ae657865'])
    expect(readKey(new Uint8Array(5000).fill(255))).toEqual([
      { as: 'hex', text: 'ff'.repeat(256), cut: true }
    ])
  })
})

test('a prefix is typed as parts with commas between them', () => {
  expect(prefix('')).toBe('')
  expect(prefix('north, 2026')).toBe(key('north', 2026).toString())
  expect(prefix('"2026", "a, \\"b"')).toBe(key('2026', 'a, "b').toString())
  expect(prefix('0x00FF, -5')).toBe(`00ff${key(int64(-5)).toString()}`)
  expect(prefix('0x0')).toMatch(/^error: 0x0 is not pairs/)
  expect(prefix('9223372036854775808')).toMatch(/^error: .* does not fit/)
  expect(prefix('"open')).toMatch(/^error: .* quotes/)
  expect(prefix('"\\ud83d"')).toMatch(/^error: .* Unicode/)
  expect(prefix('"\\ud83d\\ude00"')).toBe(key('😀').toString())
  expect(prefix('x'.repeat(1001))).toMatch(/^error: at most/)
})

test('what has no look of its own is written as its number', () => {
  expect(visible('a\u202eb\u0000\ud800')).toBe('a\\u{202e}b\\u{0}\\u{d800}')
  expect(visible('<b>&')).toBe('<b>&')
  expect(visible('abcdef', 3)).toBe('abc …')
})

test('a preview that ends within a character is text all the same', () => {
  expect(preview(utf8('ab€'), 4)).toEqual({ as: 'text', text: 'ab', cut: true })
  expect(preview(utf8('two\nlines'), 100)).toEqual({ as: 'text', text: 'two\nlines', cut: false })
  expect(preview(keyOf(0xff, 0).bytes, 100)).toEqual({ as: 'hex', text: 'ff00', cut: false })
})
