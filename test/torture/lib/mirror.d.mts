import type { Job, Subscription } from 'persistency'

export const MIRROR: string
export function mirrorBatches(job: Job, writer: number): Promise<Subscription>
export function mirrored(payload: Uint8Array | undefined): { count: number; last: number }
