/** Owns declaring tables, and turning their rows into bytes and back. Knows no job. */
import { err, type Result } from 'neverthrow'
import { unwrap } from '../../brokers/unwrap.js'
import { messageOf } from '../../runtime/message-of.js'
import { categoryText, coder, demand, withFunctions } from '../checks/declarations.js'
import { decodeValue, type ValueDecoder } from '../codecs/decode-value.js'
import { bytesMade, type ValueEncoder } from '../codecs/encode-value.js'
import type { LeadingItems } from '../codecs/tuple.js'
import { shortened } from '../describe.js'
import type { PersistencyError } from '../errors.js'
import { Key } from '../keys/keys.js'
import type { CheckOp, DeleteOp, DeletePrefixOp, KvRow, PutOp } from '../types.js'

/** The codecs of a table: those of this package, or anything else that encodes and decodes. */
export interface TableCodecs<K, V, KeyInput = K, ValueInput = V> {
  readonly key: ValueEncoder<KeyInput> & ValueDecoder<K>
  readonly value: ValueEncoder<ValueInput> & ValueDecoder<V>
}

/** How much of a key messages show, in hex: enough to look most of them up. */
const KEY_DIGITS = 128

/** A row of a table. */
export interface TableRow<K, V> {
  readonly key: K
  readonly value: V
}

/**
 * A declared table: a category, and what its keys and values are. `K` and `V` are what its codecs decode, the inputs what
 * they encode. Its functions need no `this`: `rows.map(Notes.row)`.
 */
export interface TableDefinition<K, V, KeyInput = K, ValueInput = V> {
  readonly category: string
  readonly codecs: TableCodecs<K, V, KeyInput, ValueInput>
  /** The key of a row, for ranges, checks and cursors. Throws `TypeError` or `RangeError` as `key` does. */
  key(key: KeyInput): Key
  /**
   * The beginning of the keys of all rows whose first parts are these, for ranges and `deletePrefix`, where the key codec is
   * a `tuple`. Of whole parts only: that of `'ann'` leaves `'anna'` out. Throws `TypeError` or `RangeError` as `key` does, and
   * a `TypeError` when the codec makes no prefixes.
   */
  prefix(...parts: LeadingItems<KeyInput>): Key
  /**
   * The operation that stores a row: for batches, appends, and what handlers answer. Throws `TypeError` or `RangeError`
   * for what cannot be encoded.
   */
  put(key: KeyInput, value: ValueInput): PutOp
  /** The operation that removes a row; see `put`. */
  delete(key: KeyInput): DeleteOp
  /** The operation that removes all rows under a prefix, such as `Notes.prefix('ann')`. */
  deletePrefix(prefix: Key): DeletePrefixOp
  /**
   * The operation that demands of a row that it has this value, or without one, or with `undefined`, that there is no such
   * row; otherwise the batch is `ERR_CONFLICT`. What is compared are bytes: the codec has to make the same ones of a value
   * each time, and a JSON value needs its members in the same order. See `put`.
   */
  check(key: KeyInput, value?: ValueInput): CheckOp
  /**
   * The row that bytes from elsewhere hold: of `job.at(seq)`, of a watcher, of a put.
   *
   * @throws PersistencyError `ERR_VALUE` for bytes that the codecs cannot read.
   */
  row(row: KvRow): TableRow<K, V>
}

/**
 * Declares a table, once for all tenants. `Job.table` reads and writes it. Nothing is stored of the declaration: the same
 * category may as well be read without it.
 *
 * @throws TypeError for a declaration that cannot work.
 *
 * @example
 * const Notes = defineTable('notes', { key: tuple(string, integer), value: json<Note>() })
 * const notes = job.table(Notes)
 * await unwrap(notes.put(['ann', 1], { text: 'call Bob' }))
 */
export function defineTable<K, V, KeyInput, ValueInput>(
  category: string,
  codecs: TableCodecs<K, V, KeyInput, ValueInput>
): TableDefinition<K, V, KeyInput, ValueInput> {
  demand('the category of a table', category, categoryText)
  const { key: keyCodec, value: valueCodec } = codecs
  demand(`the key codec of table "${category}"`, keyCodec, coder)
  demand(`the value codec of table "${category}"`, valueCodec, coder)
  const keyOf = (key: KeyInput): Key => encoded(category, undefined, () => Key.of(keyCodec.encode(key)))
  const payloadOf = (key: Key, value: ValueInput): Uint8Array =>
    encoded(category, key, () => bytesMade(valueCodec.encode(value)))
  const definition: TableDefinition<K, V, KeyInput, ValueInput> = {
    category,
    codecs: Object.freeze({ key: keyCodec, value: valueCodec }),
    key: keyOf,
    prefix: (...parts) => encoded(category, undefined, () => prefixOf(keyCodec, parts)),
    put: (input, value) => {
      const key = keyOf(input)
      return { kind: 'put', category, key, payload: payloadOf(key, value) }
    },
    delete: (key) => ({ kind: 'delete', category, key: keyOf(key) }),
    deletePrefix: (prefix) => ({ kind: 'deletePrefix', category, prefix }),
    check: (input, value) => {
      const key = keyOf(input)
      const row = { kind: 'check', category, key } as const
      return value === undefined ? row : { ...row, equals: payloadOf(key, value) }
    },
    row: (row) => unwrap(readRow(definition, row)),
    [Symbol.for('nodejs.util.inspect.custom')]: () => `TableDefinition ${category}`
  }
  return Object.freeze(definition)
}

/** Throws a `TypeError` for what is no declared table. */
export function requireTable(definition: unknown): void {
  const made = withFunctions('one that defineTable makes', 'key', 'put', 'delete', 'row')
  demand('the table', definition, made)
}

/** What reading rows takes of a definition. */
export type Reads<K, V> = Pick<TableDefinition<K, V, never, never>, 'category' | 'codecs'>

/** Errors of all of these: `ERR_VALUE`. */
export function readRow<K, V>(table: Reads<K, V>, row: KvRow): Result<TableRow<K, V>, PersistencyError> {
  const key = readKey(table, row.key)
  if (key.isErr()) return err(key.error)
  return readValue(table, row.key, row.payload).map((value) => ({ key: key.value, value }))
}

export function readKey<K>({ category, codecs }: Reads<K, unknown>, key: Key): Result<K, PersistencyError> {
  return decodeValue(
    key.bytes,
    codecs.key,
    (why) => `${place(category, key)}: the key cannot be decoded: ${why}`
  )
}

export function readValue<V>(
  { category, codecs }: Reads<unknown, V>,
  key: Key,
  payload: Uint8Array
): Result<V, PersistencyError> {
  return decodeValue(
    payload,
    codecs.value,
    (why) => `${place(category, key)}: the value cannot be decoded: ${why}`
  )
}

/** Encodes a key or, when that is known, the value behind it. What an application's codec throws is a `TypeError`, too. */
function encoded<T>(category: string, key: Key | undefined, encode: () => T): T {
  try {
    return encode()
  } catch (cause) {
    const what = key === undefined ? 'the key' : 'the value'
    const message = `${place(category, key)}: ${what} cannot be encoded: ${messageOf(cause)}`
    throw cause instanceof RangeError ? new RangeError(message, { cause }) : new TypeError(message, { cause })
  }
}

/** Codecs that are no tuples may know no parts. */
function prefixOf(codec: unknown, parts: readonly unknown[]): Key {
  const { prefix } = codec as { readonly prefix?: (...parts: readonly unknown[]) => Key }
  if (typeof prefix === 'function') return prefix(...parts)
  throw new TypeError('its codec makes no prefixes, as tuple(...) does; make the prefix with key(...)')
}

function place(category: string, key: Key | undefined): string {
  const name = `category ${JSON.stringify(shortened(category))}`
  return key === undefined ? name : `${name}, key ${shortened(String(key), KEY_DIGITS)}`
}
