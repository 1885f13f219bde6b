/** Entry of the storage thread: opens one file per context it is asked to serve. Loads no RxJS and no container. */
import { serveBrokers } from '../../threads/worker/serve.js'
import { STORAGE_CONTRACT } from './contract.js'
import { serveStorage } from './serve-storage.js'

serveBrokers(STORAGE_CONTRACT, serveStorage({ alone: false }))
