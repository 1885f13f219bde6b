/** This package, with as much of the file mapped into memory as SQLite allows. */
import { openJob } from './persistency.mjs'

export const open = (directory) => openJob(directory, { mmapSizeBytes: 2 ** 31 })
