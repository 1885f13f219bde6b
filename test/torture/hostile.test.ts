import { testShortForm } from './lib/short-form.js'
import { hostileFrames } from './scenarios/hostile-frames.js'

testShortForm(hostileFrames)
