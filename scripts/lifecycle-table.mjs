// Owns docs/lifecycle-calls.md, which is made from the table that the tests of the lifecycle are made from. Without an
// argument it compares, and fails when the page is out of date; with --write it writes the page.

import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ID_STATES, JOB_CALLS, JOB_STATES, PERSISTENCY_CALLS } from '../test/torture/lib/lifecycle-table.mjs'

const page = resolve(import.meta.dirname, '../docs/lifecycle-calls.md')

const cell = (answer) => (/^ERR_/.test(answer) ? `\`${answer}\`` : answer)
const row = (cells) => `| ${cells.join(' | ')} |`

function table(states, calls) {
  const rows = Object.entries(calls).map(([name, answers]) => row([`\`${name}\``, ...answers.map(cell)]))
  return [row(['Call', ...states]), row(['---', ...states.map(() => '---')]), ...rows].join('\n')
}

const text = `# Calls by state

What every call answers in every state. This page is made by \`scripts/lifecycle-table.mjs\` from the table that
the tests, \`test/torture/lifecycle-matrix.test.ts\`, are made from.

\`ok\` is a value, a code is an \`Err\`; iterating a \`stream\`, \`events\` or a \`watch\` throws it. Arguments are checked first: what is wrong with
them is told in every state.

## A job

There is a handle from the opening on. *Closing* is from \`close\` or \`closeJob\` until the file is released; *failed* is
after the death of the storage.

${table(JOB_STATES, JOB_CALLS)}

## A persistency

The state is that of the id which the call names; \`openJob\` and \`dropJob\` stand in line behind what was asked for the
same id before. *Owner closing* and *owner closed* are after \`close\` of the persistency itself, with the job open until
then.

${table(ID_STATES, PERSISTENCY_CALLS)}

- *new job*, *same job*: \`openJob\` is ok, with another handle than there was, or with the one that is there or comes of
  the opening under way.
- \`closeJob\` of an id that is not open is ok; during an opening it closes what is opened. \`dropJob\` deletes the files
  besides, also after \`close\`.
- \`jobs\`: whether the map holds the id.
- \`restore\` is called without \`overwrite\` and with a backup that is not there, which is the \`ERR_RESTORE\`; a sound
  one is ok there.
`

if (process.argv.includes('--write')) writeFileSync(page, text)
else if (readFileSync(page, 'utf8').replaceAll('\r\n', '\n') !== text) {
  console.error('docs/lifecycle-calls.md is out of date: run node scripts/lifecycle-table.mjs --write')
  process.exitCode = 1
}
