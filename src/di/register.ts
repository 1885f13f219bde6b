/** Owns what a container needs to hand out brokers and the coordinator of jobs. */
import 'reflect-metadata'
import type { Result } from 'neverthrow'
import type { DependencyContainer, InjectionToken } from 'tsyringe'
import { checkContext, hubOf } from '../brokers/check-place.js'
import { BrokerContext } from '../brokers/context.js'
import { EventBroker } from '../brokers/event-broker.js'
import { BrokerHub } from '../brokers/hub.js'
import { MultiRequestBroker } from '../brokers/multi-request-broker.js'
import { RequestBroker } from '../brokers/request-broker.js'
import { SignalBroker } from '../brokers/signal-broker.js'
import { joinTeardown } from '../brokers/teardown.js'
import { unwrap } from '../brokers/unwrap.js'
import type { PersistencyError } from '../persistency/errors.js'
import { Persistency } from '../persistency/persistency.js'
import { isRootDir, type PersistencyOptions } from '../persistency/persistency-options.js'
import type { RootDir } from '../persistency/storage/files/root-dir.js'
import { lifetimeOf } from './lifetime.js'
import { BROKER_CONTEXT, BROKER_HUB } from './tokens.js'

/**
 * Registers the four brokers. A broker resolved from this container, or from a child of it, speaks
 * in the context that is registered there as {@link BROKER_CONTEXT}; the default is `context`. A container without
 * them makes none: it throws.
 *
 * @throws TypeError for what is no hub, or no context
 */
export function registerBrokers(
  container: DependencyContainer,
  hub: BrokerHub = BrokerHub.default,
  context: BrokerContext = BrokerContext.default
): void {
  checkContext(context)
  container.register(BROKER_HUB, { useValue: hubOf(hub) })
  container.register(BROKER_CONTEXT, { useValue: context })
  // tsyringe passes the container that is asked, so a child's own context wins. What is not registered it makes by itself
  // if the constructor has no parameters, so those of brokers have some, without a default.
  container.register(EventBroker, {
    useFactory: (asked) => new EventBroker(asked.resolve(BROKER_HUB), asked.resolve(BROKER_CONTEXT))
  })
  container.register(RequestBroker, {
    useFactory: (asked) => new RequestBroker(asked.resolve(BROKER_HUB), asked.resolve(BROKER_CONTEXT))
  })
  container.register(MultiRequestBroker, {
    useFactory: (asked) => new MultiRequestBroker(asked.resolve(BROKER_HUB), asked.resolve(BROKER_CONTEXT))
  })
  container.register(SignalBroker, {
    useFactory: (asked) => new SignalBroker(asked.resolve(BROKER_HUB), asked.resolve(BROKER_CONTEXT))
  })
}

/**
 * Opens the persistency of a directory and registers it as `Persistency`, and the brokers with it unless they are
 * there. It speaks through `options.hub`, else the hub that the container has, else that of this thread; the context of
 * the container's brokers stays what it is. Errors: those of `Persistency.open`; nothing is registered then. Disposing
 * the container closes it, and so does {@link Teardown} in the context of the container. A second one in the same container
 * takes the place of the first, which stays open until then.
 */
export function registerPersistency(
  container: DependencyContainer,
  options: RootDir | PersistencyOptions
): Result<Persistency, PersistencyError> {
  const registered = registeredIn(container, BROKER_HUB)
  const hub = (isRootDir(options) ? undefined : options?.hub) ?? registered ?? BrokerHub.default
  return Persistency.open(withHub(options, hub)).map((persistency) => {
    if (hub !== registered || !container.isRegistered(EventBroker, true)) {
      registerBrokers(container, hub, registeredIn(container, BROKER_CONTEXT))
    }
    container.register(Persistency, { useValue: persistency })
    const joined = joinTeardown(
      container.resolve(MultiRequestBroker),
      `persistency ${persistency.rootDir}`,
      () => persistency.close()
    )
    lifetimeOf(container).add(async () => {
      if (joined.isOk()) joined.value.remove()
      await unwrap(persistency.close())
    })
    return persistency
  })
}

/** What a container, or a parent of it, has for a token. */
function registeredIn<T>(container: DependencyContainer, token: InjectionToken<T>): T | undefined {
  return container.isRegistered(token, true) ? container.resolve(token) : undefined
}

/** What is no options at all is left as it is, for `Persistency.open` to refuse. */
function withHub(options: RootDir | PersistencyOptions, hub: BrokerHub): RootDir | PersistencyOptions {
  if (isRootDir(options)) return { rootDir: options, hub }
  return typeof options === 'object' && options !== null ? { ...options, hub } : options
}
