/**
 * What stands in front of everything that members send one another: which kind of message it is,
 * and for requests and answers the number that joins them.
 */
import { MAX_TRANSACTION_BYTES } from 'fanal/chain/limits.ts';
import { type Bytes, concat } from 'fanal/primitives/bytes.ts';
import { Reader, Writer } from 'fanal/primitives/codec.ts';
import { NETWORK_LIMITS } from '../network/limits.ts';

export type Envelope =
  | { readonly kind: 'message'; readonly body: Bytes }
  | { readonly kind: 'request' | 'response'; readonly requestId: number; readonly body: Bytes }
  | { readonly kind: 'transactions'; readonly transactions: readonly Bytes[] };

const KINDS = ['message', 'request', 'response', 'transactions'] as const;

/** Puts the kind in front of a message that is made once and sent to many. */
export function messageEnvelope(body: Bytes): Bytes {
  return concat(Uint8Array.of(0), body);
}

export function requestEnvelope(requestId: number, body: Bytes): Bytes {
  return concat(new Writer(8).u8(1).u32(requestId).finish(), body);
}

export function responseEnvelope(requestId: number, body: Bytes): Bytes {
  return concat(new Writer(8).u8(2).u32(requestId).finish(), body);
}

export function transactionsEnvelope(transactions: readonly Bytes[]): Bytes {
  const size = transactions.reduce((sum, { length }) => sum + 2 + length, 8);
  return new Writer(size)
    .u8(3)
    .list(transactions, NETWORK_LIMITS.transactionBatchCount, (writer, bytes) => {
      writer.shortBytes(bytes);
    })
    .finish();
}

/** @throws {DecodeError} */
export function openEnvelope(bytes: Bytes): Envelope {
  const reader = new Reader(bytes, 'member message');
  const kind = KINDS[reader.u8()];
  switch (kind) {
    case 'message':
      return { kind, body: bytes.subarray(1) };
    case 'request':
    case 'response':
      return { kind, requestId: reader.u32(), body: bytes.subarray(5) };
    case 'transactions': {
      const transactions = reader.list(NETWORK_LIMITS.transactionBatchCount, 2, (item) =>
        item.shortBytes(MAX_TRANSACTION_BYTES),
      );
      reader.end();
      return { kind, transactions };
    }
    default:
      throw reader.error('kind', 'unknown message');
  }
}
