/** Owns who may ask what: the checks of a request and the headers of every answer. */
import type { IncomingMessage } from 'node:http'

/** Only what the observatory serves itself is loaded, and nothing frames it. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store'
}

/** Why a request is not answered, or `undefined` when it may be. */
export function refusal(request: IncomingMessage): { status: number; message: string } | undefined {
  // A page elsewhere can point a name of its own at this address, and would then count as the same origin.
  const port = request.socket.localPort
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  if (!hosts.includes(request.headers.host?.toLowerCase() ?? '')) {
    return { status: 421, message: `Only ${hosts.join(' and ')} are served here.` }
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, message: 'Everything here is read-only: GET and HEAD.' }
  }
  const site = request.headers['sec-fetch-site']
  const foreign = site === 'cross-site' || site === 'same-site'
  if (foreign && request.headers['sec-fetch-mode'] !== 'navigate') {
    return { status: 403, message: 'Not for other sites.' }
  }
  return undefined
}
