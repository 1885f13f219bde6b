/** Owns the list of the last events. */
import { byId, element } from './dom.js'
import { bytes, plural, time } from './format.js'

const SHOWN = 80
const GROUPS = {
  commits: 'commits',
  failure: 'failures',
  moreFailures: 'failures',
  died: 'failures',
  opened: 'jobs',
  closed: 'jobs'
}
const TEXTS = {
  commits: ({ ops, bytes: size, transactions }) =>
    `${plural(ops, 'op', 'ops')} in ${plural(transactions, 'commit', 'commits')}, ${bytes(size)}`,
  failure: ({ count: lost, code, message }) =>
    `lost ${plural(lost, 'write', 'writes')}: ${message} (${code})`,
  moreFailures: ({ count: lost }) => `and lost ${plural(lost, 'write', 'writes')} more`,
  died: ({ code, message }) => `died: ${message} (${code})`,
  opened: () => 'was opened',
  closed: () => 'was closed'
}

export class EventList {
  #list = byId('events')
  #boxes = [...document.querySelectorAll('.filters input')]
  #drawn = ''

  constructor(changed) {
    for (const box of this.#boxes) box.addEventListener('change', changed)
  }

  draw({ happenings, slotOf, selected }) {
    const groups = new Set(this.#boxes.filter((box) => box.checked).map((box) => box.value))
    const shown = happenings
      .filter(({ kind, id }) => groups.has(GROUPS[kind]) && (selected === undefined || selected === id))
      .slice(-SHOWN)
      .reverse()
    const drawn = shown.map(({ number }) => number).join()
    if (drawn === this.#drawn) return
    this.#drawn = drawn
    if (shown.length === 0) this.#list.replaceChildren(element('li', { class: 'none' }, 'Nothing yet.'))
    else this.#list.replaceChildren(...shown.map((happening) => item(happening, slotOf)))
  }
}

function item(happening, slotOf) {
  const { at, id, kind } = happening
  return element(
    'li',
    { class: `${GROUPS[kind]} ${slotOf(id)}` },
    element('time', { datetime: new Date(at).toISOString() }, time(at)),
    element(
      'span',
      {},
      element('b', {}, element('i', { class: 'swatch' }), element('bdi', {}, id)),
      ` ${TEXTS[kind](happening)}`
    )
  )
}
