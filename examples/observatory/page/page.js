/** Owns the page as a whole: follows the stream, and draws what there is to see once per picture of the screen. */
import { byId, setText } from './dom.js'
import { time } from './format.js'
import { EventList } from './happenings.js'
import { KeyBrowser } from './keys.js'
import { Model } from './model.js'
import { Plot } from './plot.js'
import { PLOTS } from './plots.js'
import { TenantTable } from './tenants.js'

const model = new Model()
const moment = byId('moment')
const momentText = byId('moment-text')
const pause = byId('pause')
const link = byId('link')

/** What was there when the page was paused; `undefined` while it is live. */
let frozen
/** The frame that was chosen, which moves back as time goes on; `undefined` for the last one. */
let chosen
/** The index of the frame under the pointer, which goes first. */
let pointed
/** The tenant that is singled out. */
let selected
let drawing = false

const plots = PLOTS.map((what) => new Plot(what, { point, resized: draw }))
const table = new TenantTable((id) => {
  selected = selected === id ? undefined : id
  draw()
})
const list = new EventList(draw)
const browser = new KeyBrowser()
byId('plots').append(...plots.map(({ figure }) => figure))

moment.addEventListener('input', () => {
  chosen = moment.value === moment.max ? undefined : (frozen ?? model).frames[Number(moment.value)]
  draw()
})
pause.addEventListener('click', () => {
  frozen = frozen === undefined ? present() : undefined
  pause.setAttribute('aria-pressed', String(frozen !== undefined))
  setText(pause, frozen === undefined ? 'Pause' : 'Go on')
  draw()
})

const stream = new EventSource('/events')
stream.addEventListener('open', () => tell('live', 'live'))
stream.addEventListener('error', () => tell('lost', 'connection lost, trying again'))
stream.addEventListener('snapshot', ({ data }) => {
  model.reset(JSON.parse(data))
  draw()
})
stream.addEventListener('update', ({ data }) => {
  model.apply(JSON.parse(data))
  draw()
})

function tell(state, text) {
  link.dataset.state = state
  setText(link.firstElementChild, text)
}

function point(index) {
  if (index === pointed) return
  pointed = index
  draw()
}

function present() {
  return { frames: model.frames, tenants: new Map(model.tenants), happenings: model.happenings }
}

function draw() {
  if (drawing) return
  drawing = true
  requestAnimationFrame(() => {
    drawing = false
    drawNow()
  })
}

function drawNow() {
  const { frames, tenants, happenings } = frozen ?? present()
  const last = Math.max(frames.length - 1, 0)
  const kept = chosen === undefined ? -1 : frames.indexOf(chosen)
  const at = Math.min(pointed ?? (kept < 0 ? last : kept), last)
  if (selected !== undefined && !tenants.has(selected)) selected = undefined
  const slotOf = (id) => model.slotOf(id)
  const faded = (id) => selected !== undefined && selected !== id
  // What was never seen to do anything would be a line along the bottom.
  const active = new Set(frames.flatMap((frame) => [...frame.tenants.keys()]))
  const visible = [...tenants.values()]
    .filter(({ id, state }) => state === 'open' || active.has(id))
    .map(({ id }) => id)
  const view = {
    frames,
    tenants,
    happenings,
    chosen: at,
    selected,
    slotOf,
    faded,
    visible,
    maxFrames: model.maxFrames
  }

  setText(byId('root'), model.rootDir)
  moment.max = String(last)
  moment.value = String(at)
  const text = frames[at] === undefined || at === last ? 'now' : time(frames[at].at)
  setText(momentText, text)
  moment.setAttribute('aria-valuetext', text)
  for (const plot of plots) plot.draw(view)
  table.draw(view)
  list.draw(view)
  browser.draw(view)
}
