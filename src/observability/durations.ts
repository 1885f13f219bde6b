/** Owns how durations are measured: in seconds, in buckets that suit what stays within a process. */
import type { Histogram, Meter } from '@opentelemetry/api'

/** From a read that was answered out of a cache, tens of microseconds, to a time limit. */
const BOUNDARIES = [
  0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
  1, 5, 10
]

export function durationHistogram(meter: Meter, name: string, description: string): Histogram {
  const advice = { explicitBucketBoundaries: BOUNDARIES }
  return meter.createHistogram(name, { description, unit: 's', advice })
}
