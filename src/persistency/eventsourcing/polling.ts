/** Owns looking now and then how far the journal is: of what another owner of the file writes, nobody else tells. */
import { untraced } from '../../brokers/definitions.js'
import type { Ask } from '../ask.js'
import { JournalInfo } from '../journal/messages.js'
import type { Position } from '../journal/position.js'

/** Nobody asked for it. */
const Look = untraced(JournalInfo)

/** Looks every so many milliseconds until the answer is called. Keeps no process alive. */
export function pollJournal(ask: Ask, committed: Position, everyMs: number): () => void {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const again = (): void => {
    if (!stopped) timer = setTimeout(() => void look(), everyMs).unref()
  }
  const look = async (): Promise<void> => {
    // What fails here fails again, and is told, when the next events are read.
    const found = await ask(Look, undefined, {})
    if (found.isOk()) committed.advance(found.value.lastSeq)
    again()
  }
  again()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
