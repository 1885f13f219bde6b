/** Owns the container of one tenant. */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow'
import type { DependencyContainer } from 'tsyringe'
import { PersistencyError } from '../persistency/errors.js'
import type { Job } from '../persistency/job.js'
import type { JobOptions } from '../persistency/options.js'
import { Persistency } from '../persistency/persistency.js'
import { lifetimeOf, orThrow } from './lifetime.js'
import { registerBrokers } from './register.js'
import { JOB } from './tokens.js'

/**
 * Makes a child container for an open job: its brokers speak in the context of the job, through its hub, and {@link JOB}
 * is the job. Disposing the child closes the job; disposing the parent disposes the child.
 */
export function registerJob(container: DependencyContainer, job: Job): DependencyContainer {
  const child = container.createChildContainer()
  registerBrokers(child, job.hub, job.context)
  child.register(JOB, { useValue: job })
  // A container does not dispose its children by itself.
  const disposeChild = (): unknown => child.dispose()
  const parent = lifetimeOf(container)
  parent.add(disposeChild)
  lifetimeOf(child).add(() => {
    parent.forget(disposeChild)
    return orThrow(job.close())
  })
  return child
}

/**
 * Opens a job of the container's `Persistency` and makes its child container, as {@link registerJob} does.
 * Errors: those of `openJob`; `ERR_JOB_CLOSED` when the container is disposed meanwhile.
 */
export function jobContainer(
  container: DependencyContainer,
  id: string,
  options?: JobOptions
): ResultAsync<DependencyContainer, PersistencyError> {
  return container
    .resolve(Persistency)
    .openJob(id, options)
    .andThen((job) => childOf(container, job))
}

/** A container that was disposed while the job was opened makes no child, and nobody else would close the job. */
function childOf(
  container: DependencyContainer,
  job: Job
): ResultAsync<DependencyContainer, PersistencyError> {
  try {
    return okAsync(registerJob(container, job))
  } catch (cause) {
    const message = `job "${job.id}" was closed: its container was disposed while it was opened`
    return job.close().andThen(() => errAsync(new PersistencyError('ERR_JOB_CLOSED', message, { cause })))
  }
}
