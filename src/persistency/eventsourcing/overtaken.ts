/** Owns what is said when the limits of a journal have overtaken a subscription that runs. */
import { PersistencyError } from '../errors.js'
import { projectionOf, subjectOf } from './subject.js'

/** The error of reading on as its user can act on it: whoever reads by a checkpoint cannot just read elsewhere. */
export function ofReadingOn(subscription: string, next: number, error: PersistencyError): PersistencyError {
  if (error.code !== 'ERR_EVENTS_GONE') return error
  const remedy =
    projectionOf(subscription) === undefined
      ? `move it with subscriptions.moveTo(${JSON.stringify(subscription)}, 'oldest'), or raise the limits of the journal`
      : 'a projection needs every event from the first, so raise the limits of the journal before any falls off'
  const message = `${subjectOf(subscription)} was overtaken: event ${next}, its next one, has fallen off the journal; ${remedy}`
  return new PersistencyError(error.code, message, { cause: error })
}
