/**
 * Owns the layout of a frame, the unit that crosses between two threads.
 *
 * A frame is a header, a u32 (see {@link FrameHeader}), then messages, each a tag byte and its fields. Numbers are big
 * endian, a body is a u32 length and that many bytes, a text likewise in UTF-8.
 *
 * | tag | fields |
 * | --- | --- |
 * | `channel` | u32 channel, u8 kind (see {@link ChannelKind}), text context id, text message name |
 * | `event` | u32 channel, then one or more events as a body: of each the body payload |
 * | `signal` | u32 channel, body payload |
 * | `request` | u32 channel, u32 call, body payload |
 * | `tracedRequest` | u32 channel, u32 call, text traceparent, body payload |
 * | `response` | u32 call, body response |
 * | `failure` | u32 call, u8 form (0 the provider's own error, 1 a BrokerError), body error |
 * | `cancel` | u32 call |
 * | `handled` | u32 channel, u32 number of its signals handled since the last such message |
 * | `handler` | u32 channel, u32 1 when its signals have a handler from now on, 0 when they have none |
 * | `channelEnd` | u32 channel |
 *
 * A channel is one message of one context; its number is assigned by the sender, declared before its first use and not
 * used again after its end.
 * A multi-request travels as a request whose response is the list of outcomes. A channel of signals has a handler until
 * its receiver says otherwise.
 */
export const Tag = {
  channel: 1,
  event: 2,
  request: 3,
  response: 4,
  failure: 5,
  cancel: 6,
  signal: 7,
  handled: 8,
  handler: 9,
  channelEnd: 10,
  tracedRequest: 11
} as const

/** The kind of message that a channel carries. */
export const ChannelKind = { event: 0, request: 1, multiRequest: 2, signal: 3 } as const

/** Bytes of the header in front of the messages. */
export const FRAME_HEADER_BYTES = 4

/** The bits of the header. */
export const FrameHeader = {
  /** How many frames the sender of this frame has worked off since it last reported that. */
  acknowledged: 0x7fff_ffff,
  /** The frame left before the end of the sender's turn; the receiver handles it as a turn by itself. */
  early: 0x8000_0000
} as const

/** Forms of the error in a `failure` message. */
export const FailureForm = { own: 0, broker: 1 } as const
