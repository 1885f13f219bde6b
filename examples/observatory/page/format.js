/** Owns how numbers and times are written. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const THIN = '\u202f'

/** A count in few letters: 950, 12.3 k, 4.1 M. */
export function count(value) {
  if (value < 10_000) return whole.format(value).replace(',', THIN)
  return scaled(value, 1000, ['', 'k', 'M', 'G', 'T'])
}

export function bytes(value) {
  return scaled(value, 1000, ['B', 'kB', 'MB', 'GB', 'TB'])
}

export function milliseconds(value) {
  if (value === null || value === undefined) return '–'
  if (value >= 1000) return `${significant(value / 1000)}${THIN}s`
  return value >= 0.1 ? `${significant(value)}${THIN}ms` : `${Math.round(value * 1000)}${THIN}µs`
}

/** @param {number} at milliseconds since 1970 */
export function time(at) {
  return clock.format(at)
}

/** The same number without digits that say nothing, for the lines of a grid. */
export function rounded(text) {
  return text.replace(/(\.\d*?)0+(?!\d)/, '$1').replace(/\.(?!\d)/, '')
}

export function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`
}

function scaled(value, step, units) {
  let unit = 0
  let rest = value
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= step
    unit++
  }
  const digits = unit === 0 ? whole.format(rest) : significant(rest)
  return units[unit] === '' ? digits : `${digits}${THIN}${units[unit]}`
}

function significant(value) {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
