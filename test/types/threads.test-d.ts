import { Persistency } from 'persistency'
import {
  type ServeCall,
  type Setup,
  serveBrokers,
  startWorker,
  type ThreadContract
} from 'persistency/threads'
import { expectType } from './expect-type.js'

interface Size {
  readonly width: number
}

declare const contract: ThreadContract

// Data of a set-up

serveBrokers(contract, ({ data }) => expectType(data).is<unknown>())
serveBrokers<Size>(contract, ({ data }) => expectType(data).is<Size>())
serveBrokers(contract, ({ data }: ServeCall<Size>) => expectType(data.width).is<number>())

declare const untyped: Setup
serveBrokers(contract, untyped)
serveBrokers<Size>(contract, untyped)

// @ts-expect-error -- nobody says what the data is
serveBrokers(contract, ({ data }) => data.width)

// What names a module, or a directory

void startWorker(new URL('./worker.js', import.meta.url), contract)
void startWorker('./worker.js', contract)
// @ts-expect-error -- neither a URL nor a path
void startWorker(5, contract)

void Persistency.open(new URL('./data', import.meta.url))
void Persistency.open({ rootDir: new URL('./data', import.meta.url) })
// @ts-expect-error -- neither a URL nor a path
void Persistency.open(5)
