/** Owns how errors and the outcomes of multi-requests travel. */
import { deserialize, serialize } from 'node:v8'
import type { Outcome } from '../../brokers/collect.js'
import { BrokerError, type BrokerErrorKind } from '../../brokers/errors.js'
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import type { WireCodec } from '../../bytes/wire-codec.js'
import { shortMessageOf, textOf, UNREADABLE } from '../../runtime/message-of.js'
import { withoutStack } from '../../runtime/without-stack.js'

/** A `BrokerError` keeps its kind and message; a cause that cannot be cloned arrives as its text. */
export const brokerErrorCodec: WireCodec<BrokerError> = {
  write(writer, error) {
    writer.text(error.kind)
    writer.text(error.message)
    errorCodec.write(writer, error.cause)
  },
  read(reader) {
    const kind = reader.text() as BrokerErrorKind
    const message = reader.text()
    const cause = errorCodec.read(reader)
    return withoutStack(() => new BrokerError(kind, message, cause === undefined ? undefined : { cause }))
  }
}

/** The parts of an `Error` that cross: structured clone by itself would lose its own fields. */
interface ErrorParts {
  readonly name: string | undefined
  readonly message: string | undefined
  readonly stack: string | undefined
  readonly fields: Record<string, unknown>
  /** Those of an `AggregateError`, which hides them. */
  readonly errors: readonly unknown[] | undefined
}

const ErrorForm = { value: 0, error: 1 } as const

/**
 * Errors of providers: plain values are cloned; an `Error` keeps its name, message, stack and own fields, but becomes
 * a plain `Error` at the other end. What cannot be cloned arrives as its text. Whatever the error is, writing it does not
 * throw: an answer that fails because of its error is sent as an error, too.
 */
export const errorCodec: WireCodec<unknown> = {
  write(writer, error) {
    const parts = serializedParts(error)
    writer.u8(parts === undefined ? ErrorForm.value : ErrorForm.error)
    writer.raw(parts ?? serializeOrText(error))
  },
  read(reader) {
    const form = reader.u8()
    // A copy: deserialized bytes share their memory, and the frame holds other messages as well.
    const value: unknown = deserialize(reader.view(reader.remaining).slice())
    return form === ErrorForm.error ? fromParts(value as ErrorParts) : value
  }
}

/** The outcomes of a multi-request, each with the codecs of its definition. */
export function outcomesCodec(
  responses: WireCodec<unknown>,
  failures: WireCodec<unknown>
): WireCodec<readonly Outcome<unknown, unknown>[]> {
  return {
    write(writer, outcomes) {
      writer.u32(outcomes.length)
      for (const outcome of outcomes) writeOutcome(writer, outcome, responses, failures)
    },
    read(reader) {
      const outcomes: Outcome<unknown, unknown>[] = []
      for (let left = reader.u32(); left > 0; left--) {
        outcomes.push(readOutcome(reader, responses, failures))
      }
      return outcomes
    }
  }
}

const OutcomeForm = { response: 0, failure: 1, brokerError: 2 } as const

function writeOutcome(
  writer: ByteWriter,
  outcome: Outcome<unknown, unknown>,
  responses: WireCodec<unknown>,
  failures: WireCodec<unknown>
): void {
  const start = writer.offset
  try {
    if (outcome.status === 'fulfilled') writeForm(writer, OutcomeForm.response, responses, outcome.value)
    else if (BrokerError.is(outcome.error)) {
      writeForm(writer, OutcomeForm.brokerError, brokerErrorCodec, outcome.error)
    } else writeForm(writer, OutcomeForm.failure, failures, outcome.error)
  } catch (cause) {
    // An answer that cannot be sent does not affect the others.
    writer.rewind(start)
    const message = `an answer cannot be sent to another thread: ${shortMessageOf(cause)}`
    const error = new BrokerError('notSendable', message, { cause })
    writeForm(writer, OutcomeForm.brokerError, brokerErrorCodec, error)
  }
}

function writeForm(writer: ByteWriter, form: number, codec: WireCodec<unknown>, value: unknown): void {
  writer.u8(form)
  const at = writer.offset
  writer.u32(0)
  codec.write(writer, value)
  writer.patchU32(at, writer.offset - at - 4)
}

function readOutcome(
  reader: ByteReader,
  responses: WireCodec<unknown>,
  failures: WireCodec<unknown>
): Outcome<unknown, unknown> {
  const form = reader.u8()
  const outer = reader.enter(reader.u32())
  const codec = [responses, failures, brokerErrorCodec][form] as WireCodec<unknown>
  try {
    const value = codec.read(reader)
    return form === OutcomeForm.response
      ? { status: 'fulfilled', value }
      : { status: 'rejected', error: value }
  } catch (cause) {
    return { status: 'rejected', error: unreadable('an answer', cause) }
  } finally {
    reader.leave(outer)
  }
}

/** `undefined` for what is no error, and for one that cannot be taken apart, such as a proxy that refuses it. */
function serializedParts(error: unknown): Uint8Array | undefined {
  try {
    return error instanceof Error ? serialize(partsOf(error)) : undefined
  } catch {
    return undefined
  }
}

function partsOf(error: Error): ErrorParts {
  const fields: Record<string, unknown> = {}
  for (const name of Object.keys(error)) {
    if (name !== 'cause') fields[name] = cloneableOrText(partOf(error, name))
  }
  const cause = partOf(error, 'cause')
  if (cause !== undefined && cause !== error) fields['cause'] = cloneableOrText(cause, error)
  const errors = 'errors' in fields ? undefined : errorsOf(error)
  const [name, message, stack] = ['name', 'message', 'stack'].map((part) => textIn(error, part))
  return { name, message, stack, fields, errors }
}

/** A getter that throws costs its own part only. */
function partOf(error: Error, name: string): unknown {
  try {
    return (error as unknown as Readonly<Record<string, unknown>>)[name]
  } catch {
    return UNREADABLE
  }
}

/** What should be a text, and may have been set to anything. */
function textIn(error: Error, name: string): string | undefined {
  const text = partOf(error, name)
  return text === undefined || typeof text === 'string' ? text : textOf(text)
}

function errorsOf(error: Error): readonly unknown[] | undefined {
  if (!Object.hasOwn(error, 'errors')) return undefined
  const errors = partOf(error, 'errors')
  return Array.isArray(errors) ? errors.map((each) => cloneableOrText(each, error)) : undefined
}

function fromParts({ name, message, stack, fields, errors }: ErrorParts): Error {
  const error = new Error(message)
  const hidden = errors === undefined ? { name, stack } : { name, stack, errors }
  for (const [field, value] of Object.entries(hidden)) {
    Object.defineProperty(error, field, { value, configurable: true, writable: true })
  }
  for (const [field, value] of Object.entries(fields)) {
    const enumerable = field !== 'cause'
    Object.defineProperty(error, field, { value, enumerable, configurable: true, writable: true })
  }
  return error
}

/** @param above the error whose cause it is, if it is one */
function cloneableOrText(value: unknown, above?: Error): unknown {
  if (typeof value === 'string') return value
  try {
    const straight = value instanceof Error ? withoutCircle(value, above) : value
    serialize(straight)
    return straight
  } catch {
    return textOf(value)
  }
}

/** Causes that go round in a circle can be written and not be read: what comes back to one of them is left out. */
function withoutCircle(error: Error, above: Error | undefined): Error {
  const chain = new Set<unknown>([above, error])
  let { cause } = error
  for (; cause instanceof Error && !chain.has(cause); cause = cause.cause) chain.add(cause)
  if (!(cause instanceof Error)) return error
  let copy: Error | undefined
  for (const link of [...chain].slice(1).reverse() as Error[]) {
    const { name, message, stack } = link
    copy = Object.assign(new Error(message, copy && { cause: copy }), { name, stack })
  }
  return copy as Error
}

function serializeOrText(value: unknown): Uint8Array {
  try {
    return serialize(value instanceof Error ? withoutCircle(value, undefined) : value)
  } catch {
    return serialize(textOf(value))
  }
}

/** The error of a message that its codec could not read. */
export function unreadable(what: string, cause: unknown): BrokerError {
  return new BrokerError('notSendable', `${what} could not be read: ${shortMessageOf(cause)}`, { cause })
}
