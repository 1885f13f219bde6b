/** Reads earthquakes from a GeoJSON file of the USGS feed, the week that ships with vega-datasets by default. */
import { readFileSync } from 'node:fs'

export interface Quake {
  readonly id: string
  readonly properties: {
    readonly net: string
    /** Milliseconds since 1970. */
    readonly time: number
    readonly mag: number | null
    readonly place: string | null
  }
}

export function readQuakes(file: string | URL = bundledWeek()): Quake[] {
  const { features } = JSON.parse(readFileSync(file, 'utf8')) as { features?: unknown }
  if (!Array.isArray(features))
    throw new TypeError(`${String(file)} is no GeoJSON FeatureCollection: it has no "features"`)
  for (const [index, feature] of features.entries()) {
    if (!isQuake(feature)) {
      throw new TypeError(
        `${String(file)}: feature ${index} lacks a text id, properties.net or a whole properties.time`
      )
    }
  }
  return features
}

function bundledWeek(): URL {
  return new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets'))
}

function isQuake(feature: unknown): feature is Quake {
  const { id, properties } = (feature ?? {}) as Partial<Quake>
  return (
    typeof id === 'string' && typeof properties?.net === 'string' && Number.isSafeInteger(properties.time)
  )
}
