// The modules that threads of this package begin with, without their ending: each becomes one file of dist/, and loads no
// package that it does not need.
export const threadEntries = ['persistency/storage/worker', 'persistency/storage/aside-worker']
