// Keys sort part by part, payloads decode with the codec that wrote them.
import {
  type CodecValue,
  compareKeys,
  defineCodec,
  enumeration,
  int64,
  integer,
  type Key,
  key,
  orderedString,
  payload,
  prefixRange,
  rangeIncludes,
  string,
  struct,
  tuple,
  uint64
} from 'persistency'

// A codec is declared once and encodes and decodes. It has no type tags: its fields are their bytes in this order.
const Reading = struct({
  station: string,
  unit: enumeration('celsius', 'kelvin'),
  value: integer,
  taken: int64
})
type Reading = CodecValue<typeof Reading>
const bytes = Reading.encode({ station: 'Oslo', unit: 'celsius', value: -4, taken: 1_700_000_000_000 })
const reading: Reading = Reading.decode(bytes)
console.log(`${bytes.length} bytes:`, reading.station, reading.unit, reading.value, reading.taken)

// A codec of your own is as good as the others.
const moment = defineCodec<Date>({
  label: 'moment',
  write: (writer, date) => integer.write(writer, date.getTime()),
  read: (reader) => new Date(integer.read(reader))
})
const Visit = struct({ page: string, at: moment })
const visit = Visit.encode({ page: 'docs', at: new Date(0) })
console.log('visit:', Visit.decode(visit).at.toISOString())

// Parts without a codec have a default encoding; codecs are parts, too.
console.log(key('a', -1, true).toString())
console.log(key('a', uint64(1)).toString())
console.log(Buffer.from(payload('a', 1)).equals(tuple(string, integer).encode(['a', 1])))

const sorted = (keys: Key[], decode: (bytes: Uint8Array) => unknown): string =>
  keys
    .sort(compareKeys)
    .map((k) => String(decode(k.bytes)))
    .join(' ')

// Integers sort by value. Strings carry their length in front, so they sort by length first.
console.log('integers:', sorted([key(10), key(-1), key(9)], integer.decode))
console.log('strings:', sorted([key('pear'), key('fig'), key('apple')], string.decode))
const names = ['pear', 'fig', 'apple'].map((name) => orderedString(name))
console.log('ordered strings:', sorted(names, orderedString.decode))

// A prefix of whole parts takes any key. The beginning of a text takes orderedString.
console.log('part prefix:', rangeIncludes(prefixRange(key('oslo')), key('oslo', 2026)))
console.log('text prefix, string:', rangeIncludes(prefixRange(key('os')), key('oslo')))
const beginning = prefixRange(key(orderedString.prefix('os')))
console.log('text prefix, ordered string:', rangeIncludes(beginning, key(orderedString('oslo'))))

try {
  key('a', 1.5)
} catch (error) {
  if (error instanceof RangeError) console.log('misuse throws:', error.message)
}
