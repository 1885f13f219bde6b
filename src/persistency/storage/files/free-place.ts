/** Owns how a file that is made under a name of its own comes to its place, in one step and only where nothing is. */
import { linkSync } from 'node:fs'
import { codeOf } from '../sqlite-errors.js'

/** A name in the directory of a place that nobody else has, and that no job's file has. */
export function nameBeside(place: string): string {
  return `${place}.partial-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
}

/**
 * Gives a file the name of its place as well; its own is then to be removed. A rename would replace what somebody has put
 * there meanwhile; a link does not. Throws `EEXIST` when something is there, and answers `false` when nothing was done: not
 * every file system has links.
 */
export function linkToFreePlace(path: string, place: string): boolean {
  try {
    linkSync(path, place)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') throw thrown
    // Each says in its own way that it has none; what else is the matter, the other way of doing it meets as well.
    return false
  }
}
