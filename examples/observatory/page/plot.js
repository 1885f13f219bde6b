/** Owns drawing one plot: a figure with a title, the value of the chosen moment, and the lines of all tenants. */
import { element, setText, svgElement } from './dom.js'
import { rounded, time } from './format.js'
import { linearScale, logScale } from './scale.js'

const TOP = 10
const BOTTOM = 20
const LABEL_WIDTH = 84
const LABEL_HEIGHT = 15
const MAX_LABEL = 11
const FEWEST_FRAMES = 60

export class Plot {
  #what
  #value = element('strong')
  #note = element('span')
  #svg = svgElement('svg', { role: 'img' })
  #tellPoint
  #size = { width: 0, height: 0 }
  /** Where the plot lies in the picture, for finding the moment under the pointer. */
  #area = { left: 0, width: 1, frames: 0 }
  figure

  /** `what` is one of `PLOTS`; `point` takes the index of the frame under the pointer, or `undefined`. */
  constructor(what, { point, resized }) {
    this.#what = what
    this.#tellPoint = point
    const caption = element('figcaption', {}, element('h3', {}, what.title), this.#value, this.#note)
    this.figure = element(
      'figure',
      { class: `plot ${what.kind}`, id: `plot-${what.name}` },
      caption,
      this.#svg
    )
    this.#svg.addEventListener('pointermove', (event) => this.#point(event))
    this.#svg.addEventListener('pointerleave', () => point(undefined))
    new ResizeObserver(([{ contentRect }]) => {
      this.#size = { width: contentRect.width, height: contentRect.height }
      resized()
    }).observe(this.#svg)
  }

  draw(view) {
    const { frames, chosen, visible, faded } = view
    const values = frames.map((frame) => this.#what.values(frame, visible))
    const present = values.flat()
    const max = present.reduce((most, { value, upTo = value }) => Math.max(most, value, upTo), 0)
    const least = present.reduce((smallest, { value }) => Math.min(smallest, value), Number.POSITIVE_INFINITY)
    const scale = this.#what.log ? logScale(least, max) : linearScale(max, this.#what.least)

    const now = (values[chosen] ?? []).filter(({ id }) => !faded(id))
    setText(this.#value, this.#what.summary(now))
    setText(this.#note, this.#what.note?.(now) ?? '')
    const label = `${this.#what.title}: ${this.#what.summary(now)} now, at most ${this.#what.format(max)} in what is shown`
    this.#svg.setAttribute('aria-label', label)
    if (this.#size.width > 0) this.#svg.replaceChildren(...this.#picture(view, values, scale))
  }

  #picture({ frames, maxFrames, chosen, slotOf, faded }, values, scale) {
    const { width, height } = this.#size
    const labelled = this.#what.labelled && width > 480
    const right = width - (labelled ? LABEL_WIDTH : 4)
    // A short past is drawn wider, but not so wide that its beginning looks like much.
    const shown = Math.min(Math.max(frames.length, FEWEST_FRAMES), maxFrames)
    const step = right / Math.max(shown - 1, 1)
    const left = right - step * (frames.length - 1)
    this.#area = { left, width: step, frames: frames.length }
    const x = (index) => left + step * index
    const y = (value) => TOP + (1 - scale.height(value)) * (height - TOP - BOTTOM)

    const parts = [...this.#grid(scale, y, right), ...timeMarks(frames, x, right, height)]
    const shapes = this.#what.kind === 'bars' ? bars(values, x, y, step) : lines(values, x, y)
    for (const [id, shape] of shapes) {
      const group = svgElement('g', { class: `${slotOf(id)}${faded(id) ? ' faded' : ''}` })
      for (const [name, d] of Object.entries(shape))
        if (d !== '') group.append(svgElement('path', { class: name, d }))
      parts.push(group)
    }
    parts.push(...this.#ticks(scale, y))
    if (labelled) parts.push(...endLabels(values.at(-1) ?? [], slotOf, faded, right, y))
    if (chosen < frames.length - 1) {
      parts.push(svgElement('path', { class: 'cursor', d: `M${x(chosen)} ${TOP - 6}V${height - BOTTOM}` }))
    }
    return parts
  }

  #grid(scale, y, right) {
    const levels = [y(scale.bottom), ...scale.ticks.map((tick) => Math.round(y(tick)) + 0.5)]
    return levels.map((at, i) =>
      svgElement('path', { class: i === 0 ? 'base' : 'grid', d: `M0 ${at}H${right}` })
    )
  }

  /** What the lines of the grid stand for; drawn over everything, so that it can be read. */
  #ticks(scale, y) {
    return scale.ticks.map((tick) =>
      svgElement(
        'text',
        { class: 'tick', x: 0, y: Math.round(y(tick)) + 12 },
        rounded(this.#what.format(tick))
      )
    )
  }

  #point(event) {
    const { left, width, frames } = this.#area
    if (frames === 0) return
    const at = Math.round((event.offsetX - left) / width)
    this.#tellPoint(at >= frames - 1 ? undefined : Math.max(at, 0))
  }
}

/** A mark at each full minute, and the span that is shown. */
function timeMarks(frames, x, right, height) {
  const marks = []
  let free = 0
  for (let i = 1; i < frames.length; i++) {
    const minute = Math.floor(frames[i].at / 60_000)
    if (minute === Math.floor(frames[i - 1].at / 60_000) || x(i) < free || x(i) > right - 24) continue
    const at = Math.round(x(i)) + 0.5
    marks.push(svgElement('path', { class: 'grid', d: `M${at} ${height - BOTTOM}v4` }))
    const text = time(minute * 60_000).slice(0, 5)
    marks.push(svgElement('text', { class: 'tick middle', x: Math.max(at, 16), y: height - 4 }, text))
    free = at + 48
  }
  return marks
}

/** Per tenant: the line through its values, and the spread from each value up to another. */
function lines(values, x, y) {
  const shapes = new Map()
  const last = new Map()
  for (const [index, present] of values.entries()) {
    for (const { id, value, upTo } of present) {
      const shape = shapes.get(id) ?? { spread: '', line: '' }
      const to = `${x(index).toFixed(1)} ${y(value).toFixed(1)}`
      // A value without a neighbour is a dot.
      shape.line += last.get(id) === index - 1 ? `L${to}` : `M${to}h.1`
      if (upTo !== undefined && upTo > value) shape.spread += `M${to}V${y(upTo).toFixed(1)}`
      shapes.set(id, shape)
      last.set(id, index)
    }
  }
  return shapes
}

function bars(values, x, y, step) {
  const shapes = new Map()
  const width = Math.max(step - 1, 3)
  for (const [index, present] of values.entries()) {
    let below = 0
    for (const { id, value } of present) {
      if (value === 0) continue
      const shape = shapes.get(id) ?? { bar: '' }
      const [from, to] = [y(below), y(below + value)]
      shape.bar += `M${(x(index) - width / 2).toFixed(1)} ${from.toFixed(1)}V${to.toFixed(1)}h${width.toFixed(1)}V${from.toFixed(1)}z`
      shapes.set(id, shape)
      below += value
    }
  }
  return shapes
}

/** Names at the ends of the lines, moved apart where they would overlap. */
function endLabels(present, slotOf, faded, right, y) {
  const labels = present
    .filter(({ id }) => slotOf(id) !== 'slot-other' && !faded(id))
    .map(({ id, value }) => ({ id, at: y(value) }))
    .sort((a, b) => b.at - a.at)
  let ceiling = Number.POSITIVE_INFINITY
  return labels.map(({ id, at }) => {
    ceiling = Math.min(at + 4, ceiling - LABEL_HEIGHT)
    const text = id.length > MAX_LABEL ? `${id.slice(0, MAX_LABEL - 1)}…` : id
    return svgElement('text', { class: `end ${slotOf(id)}`, x: right + 8, y: ceiling }, text)
  })
}
