/** The messages of this package that cross threads here, with and without codecs. */
import { defineEvent, defineRequest } from 'persistency/brokers'

const rawBytes = {
  write: (writer, bytes) => writer.raw(bytes),
  read: (reader) => reader.view(reader.remaining)
}

const orderCodec = {
  write(writer, asked) {
    writer.u32(asked.id)
    writer.text(asked.item)
  },
  read: (reader) => ({ id: reader.u32(), item: reader.text() })
}

const stockCodec = {
  write(writer, stock) {
    writer.u32(stock.id)
    writer.u8(stock.inStock ? 1 : 0)
  },
  read: (reader) => ({ id: reader.u32(), inStock: reader.u8() === 1 })
}

export const Bytes = defineEvent('bench.bytes', { codec: rawBytes })
export const BytesReceived = defineRequest('bench.bytesReceived')
export const Stock = defineRequest('bench.stock', { codec: { payload: orderCodec, response: stockCodec } })
export const ClonedStock = defineRequest('bench.clonedStock')

export const contract = { toWorker: [Bytes, BytesReceived, Stock, ClonedStock], toHost: [] }
