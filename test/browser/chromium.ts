/** Owns finding a Chromium on this machine, and starting it. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const USUAL = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe'
]

/** Path of the browser: what the environment variable CHROMIUM names, or the first of the usual places. */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM']
  if (named === undefined || named === '') return USUAL.find((path) => existsSync(path))
  if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, and there is no such file`)
  return named
}

export function startChromium(executablePath: string): Promise<Browser> {
  const args = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync'
  ]
  return chromium.launch({ executablePath, args })
}
