/** The other thread of comlink. */
import { parentPort } from 'node:worker_threads'
import * as comlink from 'comlink'
import nodeEndpoint from 'comlink/dist/umd/node-adapter.js'
import { answerTo } from '../payloads.mjs'

comlink.expose({ stock: answerTo }, nodeEndpoint(parentPort))
