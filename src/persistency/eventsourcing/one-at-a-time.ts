/** Owns that what is done to one stream in this process is done one after another, in the order in which it was asked for. */

/** The last piece of work on each stream that has work, for each place of streams. */
const lines = new WeakMap<object, Map<string, Promise<unknown>>>()

/** Does `work` when everything before it, for the same stream, has come to its end. */
export function oneAtATime<T>(streams: object, stream: string, work: () => Promise<T>): Promise<T> {
  const line = lines.get(streams) ?? new Map<string, Promise<unknown>>()
  lines.set(streams, line)
  const done = (line.get(stream) ?? Promise.resolve()).then(work)
  const over = done.catch(() => {})
  line.set(stream, over)
  void over.then(() => {
    if (line.get(stream) === over) line.delete(stream)
  })
  return done
}
