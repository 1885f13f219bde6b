/** 'persistency/di': brokers and storage for applications built on a tsyringe container. */
/// <reference lib="esnext.disposable" preserve="true" />
export { jobContainer, registerJob } from './job-container.js'
export { registerBrokers, registerPersistency } from './register.js'
export { BROKER_CONTEXT, BROKER_HUB, JOB } from './tokens.js'
