import { testShortForm } from './lib/short-form.js'
import { workerDeath } from './scenarios/worker-death.js'

testShortForm(workerDeath)
