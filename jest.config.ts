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

// What holds for a job holds on whatever thread it is. The tests of storage that are slow, or basic, run on dedicated threads
// and in the thread of the tests, where work is done in slices as on shared threads; these here on shared threads as well.
// The deaths of threads with `restart`, and processes that are killed, are among the torture tests.
const ON_SHARED_THREADS = [
  'backend-batches',
  'facade{,-faults}',
  'journal-{owners,under-load}',
  'original-file',
  'worker-death'
]

// What a job does; arguments that are refused are refused before anything is sent to a thread. The ends of programs that have
// their storage there are in the torture test of exits, the limits of the queue in that of load.
const IN_THREAD = [
  'backend{,-files}',
  'backup',
  'facade{,-faults,-queue}',
  'journal{,-append,-followers,-past}',
  'lifecycle',
  'maintenance',
  'model',
  'original-file',
  'watch'
]

const testsOf = (names: readonly string[]) =>
  names.map((name) => `<rootDir>/test/persistency/${name}.test.ts`)

const config: Config = {
  testTimeout: 30_000,
  maxWorkers: 2,
  projects: [
    { ...project, displayName: 'dedicated' },
    {
      ...project,
      displayName: 'shared',
      testMatch: testsOf(ON_SHARED_THREADS),
      globals: { storageThreads: { threads: { shared: 2 } } }
    },
    {
      ...project,
      displayName: 'in-thread',
      testMatch: [...testsOf(IN_THREAD), '<rootDir>/test/torture/lifecycle-matrix.test.ts'],
      globals: { storageThreads: { threads: 'none' } }
    }
  ]
}

export default config
