/** Owns the inputs that are kept: each is tried in every round, damaged and as it is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The inputs of `corpus/<name>.txt`: a line each, in hex, with a word on what it is in front or after a `#`. */
export function corpus(name: string): Uint8Array[] {
  const text = readFileSync(join(import.meta.dirname, `../corpus/${name}.txt`), 'utf8')
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').replace(/\s/g, ''))
    .filter((hex) => hex !== '')
    .map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))
}

/** The lines of `corpus/<name>.txt` as they are, each a string of JSON. */
export function textCorpus(name: string): string[] {
  const text = readFileSync(join(import.meta.dirname, `../corpus/${name}.txt`), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.startsWith('"'))
    .map((line) => JSON.parse(line) as string)
}
