/** Owns the table of tenants, which is the legend of the plots and chooses one of them. */
import { byId, element, setText } from './dom.js'
import { count, milliseconds } from './format.js'

export class TenantTable {
  #body = byId('tenants')
  #rows = new Map()
  #choose

  constructor(choose) {
    this.#choose = choose
  }

  draw({ tenants, frames, chosen, slotOf, selected }) {
    for (const [id, { row }] of this.#rows) {
      if (tenants.has(id)) continue
      row.remove()
      this.#rows.delete(id)
    }
    const failures = new Map()
    for (const frame of frames) {
      for (const [id, tenant] of frame.tenants) failures.set(id, (failures.get(id) ?? 0) + tenant.failures)
    }
    for (const { id, state } of tenants.values()) {
      const { row, button, stateText, cells } = this.#rows.get(id) ?? this.#add(id)
      const numbers = frames[chosen]?.tenants.get(id)
      row.className = `${slotOf(id)} ${state}`
      button.setAttribute('aria-pressed', String(selected === id))
      setText(stateText, state === 'open' ? '' : state)
      const failed = failures.get(id) ?? 0
      const closed = state !== 'open' && numbers === undefined
      const texts = closed
        ? ['', '', '']
        : [
            count(numbers?.opsPerSecond ?? 0),
            count(numbers?.queuedOps ?? 0),
            milliseconds(numbers?.medianCommitMs)
          ]
      for (const [i, text] of [...texts, failed === 0 ? '' : count(failed)].entries()) setText(cells[i], text)
    }
  }

  #add(id) {
    const button = element(
      'button',
      { type: 'button' },
      element('i', { class: 'swatch' }),
      element('bdi', {}, id)
    )
    button.addEventListener('click', () => this.#choose(id))
    const stateText = element('small')
    const cells = Array.from({ length: 4 }, () => element('td', { class: 'number' }))
    const row = element('tr', {}, element('th', { scope: 'row' }, button, stateText), ...cells)
    const entry = { row, button, stateText, cells }
    this.#rows.set(id, entry)
    this.#body.append(row)
    return entry
  }
}
