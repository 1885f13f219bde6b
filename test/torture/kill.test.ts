import { testShortForm } from './lib/short-form.js'
import { kill, killWithJournal, killWithLimits } from './scenarios/kill.js'

testShortForm(kill, killWithJournal, killWithLimits)
