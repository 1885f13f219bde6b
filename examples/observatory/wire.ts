/** Owns the shapes that the observatory sends to its page. */

/** What one tenant did in one interval. A tenant that did nothing is left out of its frame. */
export interface TenantFrame {
  readonly id: string
  readonly opsPerSecond: number
  readonly bytesPerSecond: number
  /** The longest that the queue was in the interval. */
  readonly queuedOps: number
  readonly queuedBytes: number
  /** Of the commits in the interval; `null` when there were none. */
  readonly medianCommitMs: number | null
  readonly slowestCommitMs: number | null
  /** Writes that failed in the interval. */
  readonly failures: number
}

/** One interval of all tenants. */
export interface Frame {
  /** The end of the interval, in milliseconds since 1970. */
  readonly at: number
  readonly tenants: readonly TenantFrame[]
}

/** A tenant as such; told again whenever something of it changes. */
export interface TenantInfo {
  readonly id: string
  /** `closed` includes the tenants whose file lies in the directory and was not opened. */
  readonly state: 'open' | 'closed' | 'failed'
  /** Categories that were written to while somebody watched: suggestions, not a list of all. */
  readonly categories: readonly string[]
}

/** Something that happened to one tenant. */
export type Happening = { readonly number: number; readonly at: number; readonly id: string } & (
  | { readonly kind: 'commits'; readonly transactions: number; readonly ops: number; readonly bytes: number }
  | { readonly kind: 'failure'; readonly count: number; readonly code: string; readonly message: string }
  | { readonly kind: 'moreFailures'; readonly count: number }
  | { readonly kind: 'opened' | 'closed' }
  | { readonly kind: 'died'; readonly code: string; readonly message: string }
)

/** Everything that is known at one moment: the first message of a stream. */
export interface Snapshot {
  readonly rootDir: string
  readonly intervalMs: number
  /** How many frames are kept. */
  readonly maxFrames: number
  readonly tenants: readonly TenantInfo[]
  readonly frames: readonly Frame[]
  readonly happenings: readonly Happening[]
}

/** What is new since the message before. */
export interface Update {
  readonly frame: Frame
  readonly tenants: readonly TenantInfo[]
  /** Tenants that are no more. */
  readonly gone: readonly string[]
  readonly happenings: readonly Happening[]
}

/** A row of the key browser. Texts are safe to print; hex where bytes are no printable text. */
export interface ShownRow {
  /** What the key is likely to say, part by part. */
  readonly parts: readonly ShownBytes[]
  readonly keyHex: string
  readonly keyBytes: number
  readonly payload: ShownBytes
  readonly payloadBytes: number
}

export interface ShownBytes {
  readonly as: 'text' | 'number' | 'hex'
  readonly text: string
  /** Whether there is more than is shown. */
  readonly cut: boolean
}

export interface KeyPage {
  readonly rows: readonly ShownRow[]
  /** The `after` of the next page; `null` on the last. */
  readonly next: string | null
}
