import { testShortForm } from './lib/short-form.js'
import { hostileBytes } from './scenarios/hostile-bytes.js'
import { hostileCalls } from './scenarios/hostile-calls.js'
import { hostileFiles } from './scenarios/hostile-files.js'
import { hostileFrames } from './scenarios/hostile-frames.js'
import { hostileIds } from './scenarios/hostile-ids.js'

testShortForm(hostileFrames, hostileBytes, hostileCalls, hostileFiles, hostileIds)
