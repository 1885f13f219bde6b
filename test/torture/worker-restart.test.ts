import { testShortForm } from './lib/short-form.js'
import { workerRestart } from './scenarios/worker-restart.js'

testShortForm(workerRestart)
