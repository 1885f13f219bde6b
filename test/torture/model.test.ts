import { testShortForm } from './lib/short-form.js'
import { model } from './scenarios/model.js'

testShortForm(model)
