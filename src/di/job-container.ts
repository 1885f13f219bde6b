/** Owns the container of one tenant. */
import type { ResultAsync } from 'neverthrow'
import type { DependencyContainer } from 'tsyringe'
import type { PersistencyError } from '../persistency/errors.js'
import type { Job } from '../persistency/job.js'
import type { JobOptions } from '../persistency/options.js'
import { Persistency } from '../persistency/persistency.js'
import { lifetimeOf, orThrow } from './lifetime.js'
import { BROKER_CONTEXT, JOB } from './tokens.js'

/**
 * Makes a child container for an open job: its brokers speak in the context of the job, and {@link JOB} is the job.
 * Disposing the child closes the job; disposing the parent disposes the child.
 */
export function registerJob(container: DependencyContainer, job: Job): DependencyContainer {
  const child = container.createChildContainer()
  child.register(BROKER_CONTEXT, { useValue: job.context })
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
 * Errors: those of `openJob`.
 */
export function jobContainer(
  container: DependencyContainer,
  id: string,
  options?: JobOptions
): ResultAsync<DependencyContainer, PersistencyError> {
  return container
    .resolve(Persistency)
    .openJob(id, options)
    .map((job) => registerJob(container, job))
}
