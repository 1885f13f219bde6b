/** Compares types exactly. Nothing here exists at run time. */

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `expectType(value).is<Expected>()` compiles when the type of the value is exactly the expected one. */
export declare function expectType<Actual>(value: Actual): {
  is<Expected>(
    ...difference: Equal<Actual, Expected> extends true ? [] : [expected: Expected, got: Actual]
  ): void
}
