import { testShortForm } from './lib/short-form.js'
import { exit } from './scenarios/exit.js'

testShortForm(exit)
