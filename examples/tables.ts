// Tables: keys and values in place of bytes. Declared once for all tenants, then read and written in each.
import { defineTable, integer, json, Persistency, string, tuple, unwrap } from 'persistency'

interface Note {
  readonly text: string
}

// Keys sort part by part: by owner, then by number.
const Notes = defineTable('notes', { key: tuple(string, integer), value: json<Note>() })
const Counts = defineTable('counts', { key: string, value: integer })

await using persistency = unwrap(Persistency.open({ rootDir: ':memory:', threads: 'none' }))
const job = await unwrap(persistency.openJob('acme'))
const notes = job.table(Notes)

await unwrap(notes.put(['ann', 1], { text: 'buy milk' })) // accepted
await unwrap(notes.putAcked(['ann', 2], { text: 'call Bob' })) // committed
console.log('note 2:', (await unwrap(notes.get(['ann', 2])))?.text)

// A prefix of the key, or a range; without either, all rows.
for (const row of await unwrap(notes.scan(Notes.prefix('ann'), { reverse: true }))) {
  const [owner, number] = row.key
  console.log(`${owner} ${number}: ${row.value.text}`)
}

// Several rows, of several tables: all or none.
await unwrap(
  job.persistAcked([
    Notes.put(['bob', 1], { text: 'answer Ann' }),
    Notes.delete(['ann', 1]),
    Counts.put('bob', 1)
  ])
)
for await (const { key, value } of notes.stream()) console.log(`of ${key[0]}: ${value.text}`)

// What a row comes to is made of what it held, whoever else does the same meanwhile.
const counts = job.table(Counts)
const added = await unwrap(counts.update('bob', (before = 0) => before + 1))
console.log('notes of Bob so far:', added)

// Written only if nobody was there before.
const first = await job.persistAcked([Counts.check('bob'), Counts.put('bob', 1)])
console.log('counted from the start:', first.isErr() ? first.error.code : 'yes')

// What is committed to it, as it happens.
for await (const item of notes.watch(Notes.prefix('bob'), { initial: true })) {
  if (item.kind === 'changes') break
  for (const { key, value } of item.rows) console.log(`note ${key[1]} of Bob: ${value.text}`)
  void notes.put(['bob', 2], { text: 'thank Ann' })
}

// What does not fit its codec is an error like any other.
await unwrap(job.persistPut('notes', Notes.key(['eve', 1]), Buffer.from('no JSON')))
const read = await notes.get(['eve', 1])
console.log(read.isErr() ? `${read.error.code}: ${read.error.message}` : 'a note')
