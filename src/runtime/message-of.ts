/** Owns the words for what was thrown, or answered as an error: it may be anything, and none of this ever throws. */

/** How long the text of an object may get, how deep it is looked into, and how many fields or items are told of each. */
const MAX_LENGTH = 400
/** How much of a long message is its end. */
const END_LENGTH = 100
const MAX_DEPTH = 2
const MAX_FIELDS = 20

/** The text of a field whose getter throws. */
export const UNREADABLE = '(unreadable)'

/** The message of an error; of anything else its text. */
export function messageOf(thrown: unknown): string {
  try {
    const message: unknown = isError(thrown) ? thrown.message : undefined
    if (typeof message === 'string' && message !== '') return message
  } catch {
    // Its text has not been tried yet.
  }
  return textOf(thrown)
}

/**
 * The same of what quotes somebody's value, shortened in its middle: what cannot be cloned is there with its whole source, and
 * the reason at the end.
 */
export function shortMessageOf(thrown: unknown): string {
  const message = messageOf(thrown)
  if (message.length <= MAX_LENGTH) return message
  return `${message.slice(0, MAX_LENGTH - END_LENGTH)}…${message.slice(-END_LENGTH)}`
}

/** An error with its name, a string as it is, and of an object its fields in short, `kind` and `message` first. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return isError(value) ? String(value) : shown(value, 0)
  } catch {
    return 'something that has no text'
  }
}

/**
 * By its tag or its fields as well: an error of another realm, such as that of a test runner, is no instance of our class,
 * and one of a native module such as better-sqlite3 has no tag.
 */
export function isError(value: unknown): value is Error {
  try {
    if (value instanceof Error) return true
    const tag = Object.prototype.toString.call(value)
    if (tag === '[object Error]' || tag === '[object DOMException]') return true
    const { message, stack } = value as Partial<Error>
    return typeof message === 'string' && typeof stack === 'string'
  } catch {
    return false
  }
}

function shown(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(cut(value))
    case 'bigint':
      return cut(`${value}n`)
    case 'function':
      return cut(`[function ${value.name}]`)
    case 'object':
      return value === null ? 'null' : cut(objectText(value, depth))
    default:
      return String(value)
  }
}

function objectText(value: object, depth: number): string {
  if (isError(value)) return String(value)
  if (ArrayBuffer.isView(value)) return `${classOf(value)}(${value.byteLength})`
  if (Array.isArray(value)) {
    if (depth > MAX_DEPTH) return '[…]'
    const items = value.slice(0, MAX_FIELDS).map((item) => shown(item, depth + 1))
    return `[${listed(items, value.length)}]`
  }
  const own = ownText(value)
  if (own !== undefined) return own
  const name = classOf(value)
  const prefix = name === '' || name === 'Object' ? '' : `${name} `
  if (depth > MAX_DEPTH) return `${prefix}{…}`
  const names = namesOf(value)
  const fields = names.slice(0, MAX_FIELDS).map((field) => `${field}: ${fieldText(value, field, depth)}`)
  return fields.length === 0 ? `${prefix}{}` : `${prefix}{ ${listed(fields, names.length)} }`
}

/** What tells most comes first, so that it is not cut off. */
function namesOf(value: object): string[] {
  const first = ['kind', 'message'].filter((name) => name in value)
  return [...new Set([...first, ...Object.keys(value)])]
}

function listed(parts: readonly string[], count: number): string {
  return (count > parts.length ? [...parts, '…'] : parts).join(', ')
}

/** One getter that throws does not hide the other fields. */
function fieldText(value: object, name: string, depth: number): string {
  try {
    return shown((value as Readonly<Record<string, unknown>>)[name], depth + 1)
  } catch {
    return UNREADABLE
  }
}

/** What the class of an object has it say of itself; `undefined` where it has nothing better than `[object Object]`. */
function ownText(value: object): string | undefined {
  try {
    const text = String(value)
    return text.startsWith('[object ') ? undefined : text
  } catch {
    return undefined
  }
}

function classOf(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' ? name : ''
}

function cut(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}
