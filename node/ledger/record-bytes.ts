/**
 * Address records in canonical bytes, as they are hashed and stored: several times a transaction, so
 * without a codec's detours.
 */
import { ADDRESS_RECORD_BYTES, type AddressRecord } from 'fanal/chain/address-record.ts';
import type { Bytes } from 'fanal/primitives/bytes.ts';
import type { Hash } from 'fanal/primitives/hash.ts';

const encoded = new Uint8Array(ADDRESS_RECORD_BYTES);
const view = new DataView(encoded.buffer);

/** The 88 bytes of a record, valid until the next call. */
export function recordBytes(record: AddressRecord): Bytes {
  view.setBigUint64(0, record.balance);
  view.setBigUint64(8, record.coinCount);
  encoded.set(record.coinsRoot, 16);
  view.setBigUint64(48, record.historySize);
  encoded.set(record.historyRoot, 56);
  return encoded;
}

/** Reads a record from the bytes at a place. */
export function recordFrom(bytes: Bytes, at = 0): AddressRecord {
  const from = new DataView(bytes.buffer, bytes.byteOffset + at, ADDRESS_RECORD_BYTES);
  return {
    balance: from.getBigUint64(0),
    coinCount: from.getBigUint64(8),
    coinsRoot: bytes.slice(at + 16, at + 48) as Hash,
    historySize: from.getBigUint64(48),
    historyRoot: bytes.slice(at + 56, at + 88) as Hash,
  };
}
