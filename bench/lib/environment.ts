/** Owns what a report tells of where its numbers are from. */
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

/**
 * The machine, Node.js, and the installed versions of packages; those that are not there are left out.
 *
 * @param from the module that loads them
 */
export function environmentOf(packages: readonly string[], from: string | URL) {
  const { version, platform, arch } = process
  return {
    ...{ node: version, platform, arch, kernel: release(), cpu: cpus()[0]?.model },
    ...{ cores: availableParallelism(), memoryMb: Math.round(totalmem() / 1e6) },
    packages: Object.fromEntries(
      packages.flatMap((name) => {
        const version = versionOf(name, from)
        return version === undefined ? [] : [[name, version]]
      })
    )
  }
}

function versionOf(name: string, from: string | URL): string | undefined {
  const load = createRequire(from)
  for (const folder of load.resolve.paths(name) ?? []) {
    try {
      return load(`${folder}/${name}/package.json`).version
    } catch {}
  }
  return undefined
}
