/**
 * Makes one file of each entry of a thread in dist/, after the compiler: a thread loads that in half the time of the
 * hundred and fifty modules behind it, and every opened job with a thread of its own begins with it. See
 * docs/decisions/0039-a-thread-loads-one-file.md.
 */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { threadEntries } from './thread-entries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

await build({
  absWorkingDir: root,
  entryPoints: threadEntries.map((entry) => `src/${entry}.ts`),
  // Where the compiler has put them, so that what they look for beside themselves is there.
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  // What is a dependency stays one: it is shared with the application, and has its own license and native code.
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  logLevel: 'warning'
})
