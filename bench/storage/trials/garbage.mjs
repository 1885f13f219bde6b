/** Owns getting rid of what the making of rows has left behind: collecting it is not to be part of what is measured. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

export const collectGarbage = runInNewContext('gc')
