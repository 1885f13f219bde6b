/** @jest-config-loader esbuild-register */

// Owns how tests run: TypeScript through swc as native ES modules. The package's own name resolves
// through "exports" in package.json to dist/, so tests see exactly what a consumer sees.

import type { Config } from 'jest'

const config: Config = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testTimeout: 30_000,
  maxWorkers: 2,
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

export default config
