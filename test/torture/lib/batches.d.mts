import type { TxOp } from 'persistency'

export const BATCH: string
export const COUNTER: string
export const KEPT: number
export function rowsOf(n: number): number
export function batchOps(writer: number, n: number, payloadBytes?: number): TxOp[]
export function unsealed(payload: Uint8Array): { writer: number; n: number; row: number } | undefined
