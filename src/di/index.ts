/** 'persistency/di': brokers and storage for applications built on a tsyringe container. */
/// <reference lib="esnext.disposable" preserve="true" />

export { type Binding, bindHandlers } from './bind.js'
export { answers, handles, listens, provides } from './decorators.js'
export { jobContainer, registerJob } from './job-container.js'
export { registerBrokers, registerPersistency } from './register.js'
export { BROKER_CONTEXT, BROKER_HUB, JOB } from './tokens.js'
