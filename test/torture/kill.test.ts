import { testShortForm } from './lib/short-form.js'
import { kill } from './scenarios/kill.js'

testShortForm(kill)
