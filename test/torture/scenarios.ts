/** Owns the list of everything that is tried. */
import type { Scenario } from './lib/scenario.js'
import { churn } from './scenarios/churn.js'
import { disk } from './scenarios/disk.js'
import { exit } from './scenarios/exit.js'
import { hostileBytes } from './scenarios/hostile-bytes.js'
import { hostileCalls } from './scenarios/hostile-calls.js'
import { hostileFiles } from './scenarios/hostile-files.js'
import { hostileFrames } from './scenarios/hostile-frames.js'
import { hostileIds } from './scenarios/hostile-ids.js'
import { kill, killWithJournal, killWithLimits } from './scenarios/kill.js'
import { crowd, marathon, overload } from './scenarios/load.js'
import { model } from './scenarios/model.js'
import { twoProcesses } from './scenarios/two-processes.js'
import { workerDeath } from './scenarios/worker-death.js'
import { workerRestart } from './scenarios/worker-restart.js'

export const SCENARIOS: readonly Scenario[] = [
  kill,
  killWithJournal,
  killWithLimits,
  exit,
  workerDeath,
  workerRestart,
  disk,
  twoProcesses,
  model,
  overload,
  crowd,
  marathon,
  churn,
  hostileFrames,
  hostileBytes,
  hostileCalls,
  hostileFiles,
  hostileIds
]
