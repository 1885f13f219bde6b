import { testShortForm } from './lib/short-form.js'
import { disk } from './scenarios/disk.js'

testShortForm(disk)
