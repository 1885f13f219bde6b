/** Owns the key browser: asks for one page of rows at a time, and shows them as text. */
import { byId, element, setText } from './dom.js'
import { bytes, count } from './format.js'

export class KeyBrowser {
  #form = byId('keys-form')
  #tenant = byId('keys-tenant')
  #category = byId('keys-category')
  #table = byId('keys')
  #status = byId('keys-status')
  #back = byId('keys-back')
  #next = byId('keys-next')
  /** What is looked at; the fields may say something else by now. */
  #query
  /** Where each page up to the present one starts. */
  #starts = [null]
  #following = null
  #asked
  #offered = ''

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#search()
    })
    this.#tenant.addEventListener('change', () => this.#offerCategories(true))
    this.#next.addEventListener('click', () => this.#turn([...this.#starts, this.#following]))
    this.#back.addEventListener('click', () => this.#turn(this.#starts.slice(0, -1)))
  }

  /** Takes note of which tenants there are, and looks into the first one when there is something to see. */
  draw({ tenants }) {
    const open = [...tenants.values()].filter(({ state }) => state === 'open')
    const offered = JSON.stringify(open)
    if (offered === this.#offered) return
    this.#offered = offered
    this.#tenants = new Map(open.map((tenant) => [tenant.id, tenant]))
    const chosen = this.#tenant.value
    this.#tenant.replaceChildren(
      ...open.map(({ id }) => element('option', { value: id, selected: id === chosen }, id))
    )
    this.#offerCategories(this.#category.value === '' && this.#query === undefined)
    if (this.#query === undefined && this.#category.value !== '') this.#search()
  }

  #tenants = new Map()

  #offerCategories(choose) {
    const categories = this.#tenants.get(this.#tenant.value)?.categories ?? []
    byId('keys-categories').replaceChildren(...categories.map((value) => element('option', { value })))
    if (choose && document.activeElement !== this.#category) this.#category.value = categories[0] ?? ''
  }

  #search() {
    this.#query = Object.fromEntries(new FormData(this.#form))
    void this.#turn([null])
  }

  async #turn(starts) {
    this.#asked?.abort()
    const asked = new AbortController()
    this.#asked = asked
    const after = starts.at(-1)
    const query = new URLSearchParams(after === null ? this.#query : { ...this.#query, after })
    try {
      const response = await fetch(`/keys?${query}`, { signal: asked.signal })
      const page = await response.json()
      if (asked.signal.aborted) return
      if (!response.ok) return this.#fail(page.message)
      this.#starts = starts
      this.#show(page, starts.length)
    } catch {
      if (!asked.signal.aborted) this.#fail('The observatory does not answer.')
    }
  }

  #show({ rows, next }, number) {
    this.#following = next
    this.#back.disabled = number === 1
    this.#next.disabled = next === null
    this.#table.hidden = rows.length === 0
    this.#table.tBodies[0].replaceChildren(...rows.map(rowOf))
    const amount = rows.length === 1 ? '1 row' : `${count(rows.length)} rows`
    const where = number === 1 && next === null ? '' : `, page ${number}${next === null ? ', the last' : ''}`
    setText(this.#status, rows.length === 0 ? 'No such rows.' : `${amount}${where}`)
    this.#status.removeAttribute('data-failed')
  }

  #fail(message) {
    this.#status.setAttribute('data-failed', '')
    setText(this.#status, message)
  }
}

function rowOf({ parts, keyHex, keyBytes, payload, payloadBytes }) {
  const key = parts.length === 0 ? [element('em', {}, 'empty key')] : parts.map(partOf)
  const cut = keyHex.length < keyBytes * 2 ? ' …' : ''
  const details = element(
    'details',
    {},
    element(
      'summary',
      { class: payload.as },
      payloadBytes === 0 ? element('em', {}, 'empty') : firstLine(payload)
    ),
    element('pre', { class: payload.as }, `${grouped(payload)}${payload.cut ? ' …' : ''}`),
    element('p', {}, `The key in hex: `, element('code', {}, `${keyHex}${cut}`))
  )
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, element('span', { class: 'key' }, ...key)),
    element('td', {}, details),
    element('td', { class: 'number' }, bytes(payloadBytes))
  )
}

function partOf(part) {
  const text = part.as === 'text' && part.text === '' ? '""' : grouped(part)
  return element('bdi', { class: part.as }, `${text}${part.cut ? '…' : ''}`)
}

const firstLine = (shown) => grouped(shown).slice(0, 200)

/** Hex in groups of four digits, so that lines can break. */
function grouped({ as, text }) {
  return as === 'hex' ? text.replace(/.{4}(?=.)/g, '$& ') : text
}
