/**
 * Owns the tests in a browser: the page of examples/observatory in a headless Chromium. Where there is none, they are
 * skipped, which is a success. The last line is `N passed, N failed`.
 */
import { findChromium, startChromium } from './chromium.js'
import { CHECKS } from './observatory-checks.js'
import { openScene } from './observatory-page.js'

const CHECK_TIMEOUT_MS = 60_000

const path = findChromium()
if (path === undefined) {
  console.log(
    'skipped: there is no Chromium in the usual places; name one in the environment variable CHROMIUM'
  )
  console.log('0 passed, 0 failed')
} else {
  process.exitCode = (await runAll(path)) ? 0 : 1
}

async function runAll(executablePath: string): Promise<boolean> {
  console.log(`in ${executablePath}`)
  const scene = await openScene()
  const browser = await startChromium(executablePath)
  let failed = 0
  try {
    for (const [name, check] of Object.entries(CHECKS)) {
      try {
        await inTime(check({ browser, scene, url: scene.url }))
        console.log(`pass ${name}`)
      } catch (error) {
        failed++
        console.log(
          `fail ${name}\n${String(error instanceof Error ? error.stack : error).replace(/^/gm, '    ')}`
        )
      }
      for (const context of browser.contexts()) await context.close()
    }
  } finally {
    await browser.close()
    await scene.close()
  }
  console.log(`${Object.keys(CHECKS).length - failed} passed, ${failed} failed`)
  return failed === 0
}

async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not done after ${CHECK_TIMEOUT_MS / 1000} s`)),
      CHECK_TIMEOUT_MS
    )
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
