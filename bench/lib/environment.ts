/** Owns what a report tells of where its numbers are from. */
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

const { resolve } = createRequire(import.meta.url)

/** The machine, Node.js, and the installed versions of packages; those that are not there are left out. */
export function environmentOf(packages: readonly string[]) {
  const { version, platform, arch } = process
  return {
    ...{ node: version, platform, arch, kernel: release(), cpu: cpus()[0]?.model },
    ...{ cores: availableParallelism(), memoryMb: Math.round(totalmem() / 1e6) },
    packages: Object.fromEntries(
      packages.flatMap((name) => {
        const version = versionOf(name)
        return version === undefined ? [] : [[name, version]]
      })
    )
  }
}

function versionOf(name: string): string | undefined {
  for (const folder of resolve.paths(name) ?? []) {
    try {
      return createRequire(import.meta.url)(`${folder}/${name}/package.json`).version
    } catch {}
  }
  return undefined
}
