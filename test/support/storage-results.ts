/** Unwraps what the storage answers, and makes bytes for tests. */
import type { Result, ResultAsync } from 'neverthrow'
import { type Key, type PersistencyError, rawKey } from 'persistency'

/** What a call answers: at once or later. */
export type Answer<T, E = PersistencyError> = Result<T, E> | ResultAsync<T, E> | Promise<Result<T, E>>

/** The value of an answer that must be ok; its error, thrown, otherwise. */
export async function okOf<T>(answer: Answer<T, unknown>): Promise<T> {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}

/** The error of an answer that must be one. */
export async function errorOf<E>(answer: Answer<unknown, E>): Promise<E> {
  const result = await answer
  if (result.isOk()) throw new Error(`expected an error, got ok(${String(result.value)})`)
  return result.error
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

export const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)

/** A key of exactly these bytes. */
export const keyOf = (...bytes: readonly number[]): Key => rawKey(Uint8Array.from(bytes))

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
