/** Owns the container of one tenant. */
import { errAsync, okAsync, ResultAsync } from 'neverthrow'
import type { DependencyContainer } from 'tsyringe'
import { unwrap } from '../brokers/unwrap.js'
import { PersistencyError } from '../persistency/errors.js'
import { Job } from '../persistency/job.js'
import { JobClosed, JobFailed } from '../persistency/messages.js'
import type { JobOptions } from '../persistency/options.js'
import { Persistency } from '../persistency/persistency.js'
import { type Lifetime, lifetimeOf } from './lifetime.js'
import { registerBrokers } from './register.js'
import { JOB } from './tokens.js'

/** The container that `jobContainer` made for a job, and what tells whether it is still of use. */
interface Child {
  readonly container: DependencyContainer
  readonly lifetime: Lifetime
}

/** By the parent. A job that is closed is not asked for again, and takes its entry along when it is let go of. */
const children = new WeakMap<DependencyContainer, WeakMap<Job, Child>>()

/**
 * Makes a child container for an open job: its brokers speak in the context of the job, through its hub, and {@link JOB},
 * or the class `Job`, is the job. Disposing the child closes the job; disposing the parent, and the end of the job, disposes
 * the child.
 */
export function registerJob(container: DependencyContainer, job: Job): DependencyContainer {
  const child = container.createChildContainer()
  registerBrokers(child, job.hub, job.context)
  child.register(JOB, { useValue: job })
  child.register(Job, { useValue: job })
  const parent = lifetimeOf(container)
  const lifetime = lifetimeOf(child)
  let disposal: unknown
  // A container does not dispose its children by itself.
  const disposeChild = (): unknown => {
    disposal ??= child.dispose()
    return disposal
  }
  parent.add(disposeChild)
  // What the disposal rejects with is reported as any failure of a listener.
  const onEnd = (): unknown => (lifetime.disposed ? undefined : disposeChild())
  const ends = [JobClosed, JobFailed].map((event) =>
    job.hub.listen<unknown>(job.context, event, onEnd, { internal: true })
  )
  lifetime.add(() => {
    parent.forget(disposeChild)
    for (const end of ends) void end.drop()
    return unwrap(job.close())
  })
  return child
}

/**
 * Opens a job of the container's `Persistency` and makes its child container, as {@link registerJob} does; the same one
 * for every call, until the job ends or it is disposed; while it is being disposed, this waits for that. It closes the job
 * for everybody when it is disposed, so do not dispose it after each request.
 * Errors: those of `openJob`; `ERR_JOB_CLOSED` when the container is disposed meanwhile.
 *
 * @throws TypeError when neither the container nor a parent of it has a `Persistency`
 */
export function jobContainer(
  container: DependencyContainer,
  id: string,
  options?: JobOptions
): ResultAsync<DependencyContainer, PersistencyError> {
  if (!container.isRegistered(Persistency, true)) {
    throw new TypeError(
      'the container has no Persistency; call registerPersistency(container, options) first, or register one that you opened'
    )
  }
  const persistency = container.resolve(Persistency)
  const opened = (): ResultAsync<DependencyContainer, PersistencyError> =>
    persistency.openJob(id, options).andThen((job) => childOf(container, job, opened))
  return opened()
}

/**
 * A container that was disposed while the job was opened makes no child, and nobody else would close the job. A child that
 * is being disposed closes the job when everything in it is closed; then it is opened `again`.
 */
function childOf(
  container: DependencyContainer,
  job: Job,
  again: () => ResultAsync<DependencyContainer, PersistencyError>
): ResultAsync<DependencyContainer, PersistencyError> {
  try {
    // Looked up first, because it throws as the making of a child does.
    lifetimeOf(container)
    const known = children.get(container)?.get(job)
    if (known?.lifetime.disposed) return ResultAsync.fromSafePromise(known.lifetime.over).andThen(again)
    return okAsync(known?.container ?? newChildOf(container, job))
  } catch (cause) {
    const message = `job "${job.id}" was closed: its container was disposed while it was opened`
    return job.close().andThen(() => errAsync(new PersistencyError('ERR_JOB_CLOSED', message, { cause })))
  }
}

function newChildOf(container: DependencyContainer, job: Job): DependencyContainer {
  const child = registerJob(container, job)
  const ofContainer = children.get(container) ?? new WeakMap<Job, Child>()
  children.set(container, ofContainer.set(job, { container: child, lifetime: lifetimeOf(child) }))
  return child
}
