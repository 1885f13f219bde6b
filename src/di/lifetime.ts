/** Owns what must be closed when a container is disposed. */
import 'reflect-metadata'
import { type DependencyContainer, Lifecycle } from 'tsyringe'

type Close = () => unknown

/** Closes things in the reverse order of their coming. The container calls `dispose`, because it made the object. */
export class Lifetime {
  readonly #closers = new Set<Close>()
  #disposed = false
  #over: () => void = () => {}
  /** Resolves when everything has been closed, or could not be. */
  readonly over: Promise<void> = new Promise((resolve) => {
    this.#over = resolve
  })

  /** Whether the container is disposed, or is about to be. */
  get disposed(): boolean {
    return this.#disposed
  }

  /** Calls `close` when the container is disposed. */
  add(close: Close): void {
    this.#closers.add(close)
  }

  /** It has been closed otherwise. */
  forget(close: Close): void {
    this.#closers.delete(close)
  }

  /** Closes everything, each after the one that came later; a failure stops nothing and is thrown at the end. */
  async dispose(): Promise<void> {
    this.#disposed = true
    const failures: unknown[] = []
    for (const close of [...this.#closers].reverse()) {
      try {
        await close()
      } catch (failure) {
        if (failure instanceof AggregateError) failures.push(...failure.errors)
        else failures.push(failure)
      }
    }
    this.#closers.clear()
    this.#over()
    if (failures.length > 0)
      throw new AggregateError(failures, 'not everything in the container could be closed')
  }
}

/** The lifetime of exactly this container; a child has its own. */
export function lifetimeOf(container: DependencyContainer): Lifetime {
  if (!container.isRegistered(Lifetime)) {
    container.register(Lifetime, { useClass: Lifetime }, { lifecycle: Lifecycle.ContainerScoped })
  }
  return container.resolve(Lifetime)
}
