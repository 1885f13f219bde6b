import { testShortForm } from './lib/short-form.js'
import { churn } from './scenarios/churn.js'
import { crowd, marathon, overload } from './scenarios/load.js'

testShortForm(churn, overload, crowd, marathon)
