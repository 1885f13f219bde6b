/** Owns what exists once per thread, even when several copies of this package are loaded there. */
export function sharedByCopies<T extends object>(key: symbol, make: () => T): T {
  const holder = globalThis as { [key: symbol]: T | undefined }
  holder[key] ??= make()
  return holder[key]
}
