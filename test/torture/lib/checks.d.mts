export function check(holds: boolean, broken: string): asserts holds
export function checkEqual(actual: unknown, expected: unknown, what: string): void
export function isErrorNamed(thrown: unknown, ...names: readonly string[]): boolean
