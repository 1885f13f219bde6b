/**
 * Owns the few platform types that appear in public signatures. They are looked up rather than named, so that the
 * declarations compile for a consumer who has neither the DOM library nor the types of Node.
 */

/** An `AbortSignal` where the consumer's libraries have one; elsewhere the members that are used. */
export type CancelSignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : {
      readonly aborted: boolean
      readonly reason: unknown
      addEventListener(type: 'abort', listener: (() => void) | { handleEvent(): void }): void
      removeEventListener(type: 'abort', listener: (() => void) | { handleEvent(): void }): void
    }

/** A `URL` where the consumer's libraries have one. */
export type ModuleUrl = typeof globalThis extends { URL: { prototype: infer Url } }
  ? Url
  : { readonly href: string }
