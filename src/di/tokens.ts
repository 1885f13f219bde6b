/** Owns the names under which a container knows the parts of this package that are no classes. */
import type { InjectionToken } from 'tsyringe'
import type { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import type { Job } from '../persistency/job.js'

/** The hub that the brokers of a container speak through. Registered by `registerBrokers`. */
export const BROKER_HUB: InjectionToken<BrokerHub> = Symbol.for('persistency.BrokerHub')

/** The context that the brokers of a container speak in; register another one in a child container to rescope it. */
export const BROKER_CONTEXT: InjectionToken<BrokerContext> = Symbol.for('persistency.BrokerContext')

/**
 * The job of a container made with `jobContainer`; the class `Job` does as well. A class that takes it must not be a
 * `@singleton()`: that is one for all containers, so the job of whoever resolved it first would serve every tenant.
 * `@scoped(Lifecycle.ContainerScoped)` is one per tenant, if the container given to `jobContainer` was made after the class was
 * decorated; `@injectable()` is a new one each time, of the tenant that asks.
 */
export const JOB: InjectionToken<Job> = Symbol.for('persistency.Job')
