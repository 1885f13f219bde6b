// Owns the checks of the scenarios and their children, which run under jest and by themselves alike.

/** Throws when a promise is broken. */
export function check(holds, broken) {
  if (!holds) throw new Error(broken)
}

/** Compares plain data by what is in it: under jest a part of it comes from another realm, with other prototypes. */
export function checkEqual(actual, expected, what) {
  if (shown(actual) === shown(expected)) return
  throw new Error(`${what}: expected ${shown(expected).slice(0, 2000)}, got ${shown(actual).slice(0, 2000)}`)
}

function shown(value) {
  return JSON.stringify(value, (_, part) => plain(part)) ?? 'undefined'
}

/** What JSON would leave out or take for something else. */
function plain(part) {
  if (part === undefined) return '(undefined)'
  if (typeof part === 'bigint') return `${part}n`
  if (typeof part === 'number' && !Number.isFinite(part)) return `(${part})`
  return ArrayBuffer.isView(part)
    ? `(bytes ${Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('hex')})`
    : part
}

/** Whether something that was thrown is an error of one of these names; `instanceof` fails across realms. */
export function isErrorNamed(thrown, ...names) {
  return typeof thrown === 'object' && thrown !== null && names.includes(thrown.name)
}
