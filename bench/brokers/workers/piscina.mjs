/** The other thread of piscina. */
export { answerTo as default } from '../payloads.mjs'
