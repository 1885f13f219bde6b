import { testShortForm } from './lib/short-form.js'
import { twoProcesses } from './scenarios/two-processes.js'

testShortForm(twoProcesses)
