// The module that the worker thread runs.
import { serveBrokers } from 'persistency/threads'
import { primesContract, servePrimes } from './primes.mjs'

serveBrokers(primesContract, servePrimes)
