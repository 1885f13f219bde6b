/** @jest-config-loader esbuild-register */

// Owns how tests run: TypeScript through swc as native ES modules. The package's own name resolves
// through "exports" in package.json to dist/, so tests see exactly what a consumer sees.

import type { Config } from 'jest'

const project: Config = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true }
        }
      }
    ]
  },
  // TypeScript sources import each other as './x.js'; fall back to the './x.ts' that is really there.
  moduleNameMapper: { '^(\\.{1,2}/.+)\\.js$': ['$1.js', '$1.ts'] }
}

// What holds for a job holds on whatever thread it is: these tests run on shared threads as well.
const ON_SHARED_THREADS = [
  'backend*',
  'backup',
  'facade*',
  'journal*',
  'lifecycle*',
  'maintenance',
  'model',
  'original-file',
  'watch',
  'worker-death*'
]

// And in the thread of the tests, except for what is about a thread that dies. There also what happens before anything
// is sent to a thread: arguments that are refused, and the limits of the queue. The ends of programs that have
// their storage there are in the torture test of exits.
const IN_THREAD = [
  ...ON_SHARED_THREADS.filter((name) => !name.startsWith('worker-death')),
  'bounded-queue',
  'input*'
]

const config: Config = {
  testTimeout: 30_000,
  maxWorkers: 2,
  projects: [
    { ...project, displayName: 'dedicated' },
    {
      ...project,
      displayName: 'shared',
      testMatch: [
        ...ON_SHARED_THREADS.map((name) => `<rootDir>/test/persistency/${name}.test.ts`),
        // A process is killed, with all of its threads: journal-kill and journal-limits-kill do so as well.
        '!**/journal-crash.test.ts',
        // Slow ones of which the thread of the tests, where work is done in slices as well, has the same to say.
        '!**/{backup,lifecycle,lifecycle-drop,maintenance,model,watch}.test.ts',
        '!**/{backend,backend-files,backend-scan-pages,facade-events,facade-queue,facade-stream}.test.ts',
        '!**/{journal,journal-append,journal-events,journal-past}.test.ts',
        // The torture test of the same has its deaths on shared threads as well.
        '!**/worker-death-restart.test.ts'
      ],
      globals: { storageThreads: { threads: { shared: 2 } } }
    },
    {
      ...project,
      displayName: 'in-thread',
      testMatch: [
        ...IN_THREAD.map((name) => `<rootDir>/test/persistency/${name}.test.ts`),
        '<rootDir>/test/torture/lifecycle-matrix.test.ts'
      ],
      globals: { storageThreads: { threads: 'none' } }
    }
  ]
}

export default config
