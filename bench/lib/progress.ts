/** Owns the one line that tells how far a benchmark is; nothing is written when nobody watches. */

export function showProgress(text: string): void {
  if (!process.stderr.isTTY) return
  const width = (process.stderr.columns ?? 80) - 1
  process.stderr.write(`\r\x1b[K${text.slice(0, width)}`)
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}
