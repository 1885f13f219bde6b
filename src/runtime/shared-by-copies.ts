/** Owns what a thread has once, however many copies of this package are loaded there. */
export function sharedByCopies<T extends object>(key: symbol, make: () => T): T {
  const holder = globalThis as { [key: symbol]: T | undefined }
  holder[key] ??= make()
  return holder[key]
}
