/** Owns the torture by a second owner: two processes write to the jobs of one root directory at the same time. */
import { join } from 'node:path'
import { check } from '../lib/checks.mjs'
import { linesOf, startChild } from '../lib/children.js'
import { checkJobFile, type Known } from '../lib/job-file.js'
import type { Scenario } from '../lib/scenario.js'

const WRITERS = [1, 2]

export const twoProcesses: Scenario = {
  name: 'two-processes',
  promise: 'two processes that write to one root lose nothing and fail for no lock',
  rounds: { short: 2, long: 60 },
  async round({ form, random, folder, count, figure }) {
    const root = join(folder, 'data')
    const jobs = Array.from({ length: random.integer(1, 3) }, (_, at) => `job${at}`)
    const batches = form === 'short' ? 150 : random.integer(200, 2000)
    const started = performance.now()
    const ended = await Promise.all(
      WRITERS.map((writer) => startChild('writer', { root, jobs, writer, mode: 'write', batches }).ended)
    )
    const seconds = (performance.now() - started) / 1000
    for (const { code, stdout, stderr } of ended) {
      check(code === 0, `a writer ended with code ${code}\n${stderr}`)
      const failed = linesOf(stdout).filter((line) => line.startsWith('F '))
      check(failed.length === 0, `writes failed: ${failed.slice(0, 3).join('; ')}`)
    }
    const known = new Map(
      WRITERS.map((writer): [number, Known] => [writer, { acked: batches, accepted: batches }])
    )
    for (const id of jobs) checkJobFile(join(root, `${id}.db`), known)
    count('batches of two writers', batches * WRITERS.length * jobs.length)
    figure('longest round', seconds, 's')
  }
}
