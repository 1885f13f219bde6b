/** Owns the way from values to heights, and the lines of the grid. A height of 0 is the bottom, 1 the top. */

const MAX_TICKS = 3

/** From zero to a round number at or above `max`. */
export function linearScale(max, least) {
  const top = Math.max(max, least)
  const step = roundStep(top / 3)
  const end = Math.ceil(top / step - 1e-9) * step
  const ticks = []
  for (let tick = step; tick <= end + step / 2; tick += step) ticks.push(tick)
  return { ticks, bottom: 0, height: (value) => value / end }
}

/** Whole powers of ten around the values. */
export function logScale(min, max) {
  const from = Math.floor(Math.log10(Math.max(Math.min(min, 0.1), 0.001)))
  const to = Math.max(Math.ceil(Math.log10(Math.max(max, 1))), from + 1)
  const ticks = []
  for (let power = from + 1; power <= to; power++) ticks.push(10 ** power)
  const height = (value) => Math.max(0, (Math.log10(Math.max(value, 1e-6)) - from) / (to - from))
  return { ticks: thinned(ticks), bottom: 10 ** from, height }
}

/** Every second one from the top, when all would be too close together. */
function thinned(ticks) {
  return ticks.length <= MAX_TICKS ? ticks : ticks.filter((_, i) => (ticks.length - i) % 2 === 1)
}

function roundStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw))
  const digit = raw / power
  return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power
}
