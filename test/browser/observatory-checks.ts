/** Owns what must be true of the page of the observatory. */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { HOSTILE, ODD_ID, openPage, type Scene } from './observatory-page.js'

export interface Place {
  readonly browser: Browser
  readonly scene: Scene
  readonly url: string
}

export type Check = (place: Place) => Promise<void>

const PLOTS = ['operations', 'bytes', 'queue', 'latency']
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** Waits for an expression to be true. Asks again and again, because the page lets nobody evaluate a string in it. */
async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate(expression)))
    await page.evaluate('new Promise((done) => setTimeout(done, 30))')
}

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText()

export const CHECKS: Readonly<Record<string, Check>> = {
  'loads without a complaint of the console': async ({ browser, url }) => {
    const { page, complaints } = await openPage(browser, url)
    await until(page, `document.querySelector('#link').dataset.state === 'live'`)
    assert.deepEqual(complaints, [])
  },

  'shows numbers that move, and stand still while paused': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    const number = '#plot-operations strong'
    const before = await text(page, number)
    await until(page, `document.querySelector('${number}').textContent !== ${JSON.stringify(before)}`)
    await page.getByRole('button', { name: 'Pause' }).click()
    // Drawn at most once per picture: two of them later nothing is left to draw.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
    const line = await page.locator('#plot-operations .line').first().getAttribute('d')
    const updates = page.evaluate(`new Promise((done) => {
      let left = 3
      new EventSource('/events').addEventListener('update', () => --left || done())
    })`)
    await updates
    assert.equal(await page.locator('#plot-operations .line').first().getAttribute('d'), line)
    await page.getByRole('button', { name: 'Go on' }).click()
    await until(
      page,
      `document.querySelector('#plot-operations .line').getAttribute('d') !== ${JSON.stringify(line)}`
    )
  },

  'draws every plot': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    for (const name of PLOTS) {
      // One line per tenant, of several frames each.
      await until(
        page,
        `[...document.querySelectorAll('#plot-${name} .line')].filter((l) => l.getAttribute('d').split('L').length > 3).length === 2`
      )
    }
    await until(page, `document.querySelector('#plot-failures .bar')?.getBoundingClientRect().height > 5`)
  },

  'goes back in time by keyboard': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    await until(page, `Number(document.querySelector('#moment').max) > 4`)
    await page.locator('#moment').focus()
    await page.keyboard.press('ArrowLeft')
    await page.waitForSelector('#plot-operations .cursor', { state: 'attached' })
    assert.match(await text(page, '#moment-text'), /^\d\d:\d\d:\d\d$/)
    await page.keyboard.press('End')
    await until(page, `document.querySelector('#moment-text').textContent === 'now'`)
  },

  'singles out a tenant': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    const button = page.getByRole('button', { name: ODD_ID })
    await button.focus()
    await page.keyboard.press('Enter')
    await until(page, `document.querySelectorAll('#plot-operations .faded').length === 1`)
    assert.equal(await button.getAttribute('aria-pressed'), 'true')
    const names = await page.locator('#events bdi').allInnerTexts()
    assert.deepEqual([...new Set(names)], [ODD_ID])
  },

  'finds keys by their prefix, page by page': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    await search(page, 'orders', 'lamp, 117')
    await until(page, `document.querySelector('#keys-status').textContent === '1 row'`)
    assert.equal(await text(page, '#keys tbody .key'), 'lamp\n117')
    assert.equal(await text(page, '#keys tbody summary'), 'order 117')
    await search(page, 'orders', '')
    await until(page, `document.querySelector('#keys-status').textContent === '50 rows, page 1'`)
    await page.getByRole('button', { name: 'Next' }).click()
    await until(page, `document.querySelector('#keys-status').textContent === '50 rows, page 2'`)
    assert.equal(await page.locator('#keys tbody .key').first().innerText(), 'lamp\n50')
    await page.getByRole('button', { name: 'Next' }).click()
    await until(page, `document.querySelector('#keys-status').textContent === '20 rows, page 3, the last'`)
    await page.getByRole('button', { name: 'Back' }).click()
    await until(page, `document.querySelector('#keys-status').textContent === '50 rows, page 2'`)
  },

  'says what is wrong with a prefix': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    await search(page, 'orders', '0xZZ')
    await page.waitForSelector('#keys-status[data-failed]')
    assert.match(await text(page, '#keys-status'), /0xZZ/)
  },

  'shows hostile content as text': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    await search(page, HOSTILE, '')
    await until(page, `document.querySelector('#keys-status').textContent === '2 rows'`)
    const keys = await page.locator('#keys tbody .key').allInnerTexts()
    const payloads = await page.locator('#keys tbody summary').allInnerTexts()
    assert.ok(keys.includes(HOSTILE), keys.join())
    assert.ok(payloads.includes(HOSTILE), payloads.join())
    await page.waitForSelector('#events .failures')
    assert.match(
      await page.locator('#events .failures').first().innerText(),
      /<script>window\.taken=1<\/script>.*\\u\{202e\}/
    )
    assert.ok(!(await text(page, 'body')).includes('\u202e'), 'a direction override is on the page')
    assert.equal(await page.locator('img[src="x"], main script').count(), 0)
    assert.equal(await page.evaluate('window.taken ?? null'), null)
  },

  'fits a phone': async ({ browser, url }) => {
    const { page } = await openPage(browser, url, PHONE)
    await search(page, HOSTILE, '')
    await until(page, `document.querySelector('#keys-status').textContent === '2 rows'`)
    for (const summary of await page.locator('#keys summary').all()) await summary.click()
    const [wide, screen] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, innerWidth]'
    )
    assert.equal(screen, PHONE.viewport.width)
    assert.ok(wide <= screen, `${wide} pixels wide`)
    const small = await page.evaluate<string[]>(`[...document.querySelectorAll('button, select, form input')]
      .filter((it) => it.getBoundingClientRect().height < 40).map((it) => it.id || it.textContent)`)
    assert.deepEqual(small, [], 'too small to tap')
  },

  'moves nothing for those who ask for less motion': async ({ browser, url }) => {
    const { page } = await openPage(browser, url, { reducedMotion: 'reduce' })
    await page.getByRole('button', { name: 'acme' }).click()
    assert.equal(await page.evaluate('document.getAnimations().length'), 0)
  },

  'names every field and button': async ({ browser, url }) => {
    const { page } = await openPage(browser, url)
    const tree = await page.locator('body').ariaSnapshot()
    assert.doesNotMatch(tree, /- (?:button|textbox|combobox|checkbox|slider|img)(?: \[[^\]]*\])*:?$/m)
    for (const name of ['Moment', 'Tenant', 'Category', 'Key begins with', 'Operations'])
      assert.ok(tree.includes(name), tree)
  },

  'comes back when the connection was lost': async ({ browser, scene, url }) => {
    const { page } = await openPage(browser, url)
    await page.evaluate(`{
      window.states = []
      new MutationObserver(() => states.push(link.dataset.state)).observe(link, { attributes: true })
    }`)
    await scene.restart()
    await until(page, `states.at(0) === 'lost' && states.at(-1) === 'live'`)
    // The new one has seen nothing yet, and the page says so instead of mixing both.
    await until(page, 'Number(moment.max) > 2')
  }
}

async function search(page: Page, category: string, prefix: string): Promise<void> {
  await page.getByLabel('Tenant', { exact: true }).selectOption('acme')
  await page.getByLabel('Category').fill(category)
  await page.getByLabel('Key begins with').fill(prefix)
  await page.getByRole('button', { name: 'Show' }).click()
}
