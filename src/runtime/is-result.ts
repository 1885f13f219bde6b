/**
 * Tells a neverthrow `Result` from other values. By shape, so that one made by another copy of neverthrow counts; an
 * object that merely has these methods has no `value` or `error` beside them.
 */
import type { Result } from 'neverthrow'

export function isResult(value: unknown): value is Result<unknown, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Result<unknown, unknown>>).isOk === 'function' &&
    typeof (value as Partial<Result<unknown, unknown>>).isErr === 'function' &&
    ('value' in value || 'error' in value)
  )
}
