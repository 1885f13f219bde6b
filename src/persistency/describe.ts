/** Owns the words that error messages have for a wrong value. */

/** What a value is, for a message: `null`, `a function`, `a Date`, or a primitive with its value. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'function':
    case 'symbol':
      return `a ${typeof value}`
    case 'object': {
      if (value === null) return 'null'
      const name = constructorName(value)
      return typeof name === 'string' && name !== '' && name !== 'Object'
        ? `${article(name)} ${name}`
        : 'an object'
    }
    case 'string':
      return `the string ${JSON.stringify(shortened(value))}`
    case 'bigint':
      return `the bigint ${shortened(String(value))}n`
    default:
      return `the ${typeof value} ${String(value)}`
  }
}

/** The beginning of a text that may be long. */
export function shortened(text: string, most = 40): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** Hostile objects may throw when they are asked. */
function constructorName(value: object): unknown {
  try {
    return value.constructor?.name
  } catch {
    return undefined
  }
}

function article(noun: string): string {
  // "a Uint8Array", "a URL": the U is spoken as a consonant.
  return /^(?!Uint|URL)[AEIOU]/i.test(noun) ? 'an' : 'a'
}
