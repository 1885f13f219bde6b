/** Owns how messages call a subscription: that of a projection, which its users never named, by the projection. */

/** What the names of the checkpoints of projections begin with, and no others. */
export const PROJECTION_PREFIX = 'projection/'

export function subjectOf(subscription: string): string {
  const projection = projectionOf(subscription)
  return projection === undefined
    ? `subscription ${JSON.stringify(subscription)}`
    : `projection ${JSON.stringify(projection)}`
}

/** The name of the projection that a subscription is of. */
export function projectionOf(subscription: string): string | undefined {
  return subscription.startsWith(PROJECTION_PREFIX) ? subscription.slice(PROJECTION_PREFIX.length) : undefined
}
