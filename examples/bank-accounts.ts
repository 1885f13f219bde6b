// Bank accounts whose state is what their events say: commands are decided on, two read models follow, one is rebuilt.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { err, ok } from 'neverthrow'
import {
  defineDecider,
  defineProjection,
  given,
  handleCommand,
  jsonEvents,
  key,
  Persistency,
  projected,
  unwrap
} from 'persistency'

type AccountEvent =
  | { type: 'opened'; data: { owner: string } }
  | { type: 'deposited'; data: { amount: number } }
  | { type: 'withdrawn'; data: { amount: number } }

type Command =
  | { kind: 'open'; owner: string }
  | { kind: 'deposit'; amount: number }
  | { kind: 'withdraw'; amount: number }

const accountEvents = jsonEvents<AccountEvent>('opened', 'deposited', 'withdrawn')

function change(event: AccountEvent): number {
  if (event.type === 'opened') return 0
  return event.type === 'deposited' ? event.data.amount : -event.data.amount
}

// What a stream comes to, and what a command makes of that.
const account = defineDecider({
  initial: () => ({ open: false, balance: 0 }),
  evolve: ({ balance }, event: AccountEvent) => ({ open: true, balance: balance + change(event) }),
  decide: (command: Command, { open, balance }) => {
    if (command.kind === 'open') {
      if (open) return err({ kind: 'openAlready' } as const)
      return ok([{ type: 'opened', data: { owner: command.owner } }])
    }
    if (!open) return err({ kind: 'noSuchAccount' } as const)
    const { amount } = command
    if (command.kind === 'deposit') return ok([{ type: 'deposited', data: { amount } }])
    if (amount > balance) return err({ kind: 'notEnough', missing: amount - balance } as const)
    return ok([{ type: 'withdrawn', data: { amount } }])
  }
})

// One row per account.
const balances = defineProjection({
  name: 'balances',
  version: 1,
  events: accountEvents,
  key: (_, { stream }) => key(stream ?? ''),
  initial: () => ({ owner: '', balance: 0 }),
  apply: (row, event) => ({
    owner: event.type === 'opened' ? event.data.owner : row.owner,
    balance: row.balance + change(event)
  })
})

// One state for all.
const turnover = defineProjection({
  name: 'turnover',
  version: 1,
  events: accountEvents,
  initial: () => 0,
  apply: (sum, event) => sum + Math.abs(change(event))
})

// Both can be specified without any storage.
const tenIn: AccountEvent = { type: 'deposited', data: { amount: 10 } }
given(account, tenIn).when({ kind: 'withdraw', amount: 11 }).expectRefusal({ kind: 'notEnough', missing: 1 })
given(account, tenIn).when({ kind: 'open', owner: 'Mallory' }).expectRefusal({ kind: 'openAlready' })
projected(balances, { stream: 'ann', event: tenIn }).expectRow(key('ann'), { owner: '', balance: 10 })

const rootDir = mkdtempSync(join(tmpdir(), 'bank-accounts-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('bank', { journal: true }))
const rows = await unwrap(job.projection(balances))
const sum = await unwrap(job.projection(turnover))

await unwrap(handleCommand(job, account, 'ann', { kind: 'open', owner: 'Ann' }))
await unwrap(handleCommand(job, account, 'bob', { kind: 'open', owner: 'Bob' }))
await unwrap(handleCommand(job, account, 'ann', { kind: 'deposit', amount: 100 }))
await unwrap(handleCommand(job, account, 'bob', { kind: 'deposit', amount: 20 }))

// Ten withdrawals at once: they are decided one after another, each on what the ones before left.
const withdrawals = await Promise.all(
  Array.from({ length: 10 }, () => handleCommand(job, account, 'bob', { kind: 'withdraw', amount: 5 }))
)
console.log(`${withdrawals.filter((answer) => answer.isOk()).length} of 10 withdrawals were granted`)

await unwrap(rows.caughtUp())
for (const { state } of await unwrap(rows.scan())) console.log(`${state.owner} has ${state.balance}`)
await unwrap(sum.caughtUp())
console.log(`turnover ${await unwrap(sum.state())}`)

// Made anew from the first event, while commands go on.
const rebuilding = rows.rebuild({
  onProgress: ({ done, total }) => {
    if (done === total) console.log(`rebuilt from ${total} events`)
  }
})
await unwrap(handleCommand(job, account, 'ann', { kind: 'withdraw', amount: 1 }))
await unwrap(rebuilding)
await unwrap(rows.caughtUp())
console.log(`Ann has ${(await unwrap(rows.get(key('ann'))))?.balance}`)

await unwrap(persistency.close())
rmSync(rootDir, { recursive: true })
