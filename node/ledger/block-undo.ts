/**
 * What a block replaced: enough to take it back, and to say what was before it.
 *
 * It is written with the block as one row and kept for the blocks of the window, in memory too.
 * Records stay encoded until somebody asks.
 */
import { ADDRESS_RECORD_BYTES, type AddressRecord } from 'fanal/chain/address-record.ts';
import { type Bytes, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { Reader, Writer } from 'fanal/primitives/codec.ts';
import { recordBytes, recordFrom } from './record-bytes.ts';
import type { StoredCoin } from './stored-coin.ts';

/** An address as it was before a block; a record without history: there was none. */
export interface AccountBefore {
  readonly id: number;
  readonly record: AddressRecord;
}

/** A state record as it was before a block; null: there was none. */
export interface RecordBefore {
  readonly key: Bytes;
  readonly value: Bytes | null;
}

export interface UndoParts {
  readonly accounts: readonly AccountBefore[];
  readonly records: readonly RecordBefore[];
  /** Coins that were not there before. */
  readonly created: readonly Pick<StoredCoin, 'addressId' | 'key'>[];
  /** Coins that were, whole. */
  readonly spent: readonly StoredCoin[];
}

const RECORD_BYTES = ADDRESS_RECORD_BYTES;
const MAX_PARTS = 0xffff_ffff;
const MAX_VALUE_BYTES = 64 * 1024;

export function encodeUndo({ accounts, records, created, spent }: UndoParts): Bytes {
  const size = accounts.length * (4 + RECORD_BYTES) + created.length * 36 + spent.length * 86;
  return new Writer(size + 4_096)
    .list(accounts, MAX_PARTS, (writer, { id, record }) => {
      writer.u32(id).bytes(recordBytes(record), RECORD_BYTES);
    })
    .list(records, MAX_PARTS, (writer, { key, value }) => {
      writer
        .bytes(key, 32)
        .u8(value === null ? 0 : 1)
        .longBytes(value ?? EMPTY_BYTES);
    })
    .list(created, MAX_PARTS, (writer, { addressId, key }) => {
      writer.u32(addressId).bytes(key, 32);
    })
    .list(spent, MAX_PARTS, (writer, { addressId, key, txid, index, amount, height }) => {
      writer.u32(addressId).bytes(key, 32).bytes(txid, 32).u16(index).u64(amount).u64(height);
    })
    .finish();
}

/** A block's undo. Most are never looked into, so it is read only when somebody asks. */
export class BlockUndo {
  readonly #bytes: Bytes;
  #parts: Parts | null = null;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get records(): readonly RecordBefore[] {
    return this.#read().records;
  }

  get created(): UndoParts['created'] {
    return this.#read().created;
  }

  get spent(): UndoParts['spent'] {
    return this.#read().spent;
  }

  /** The ids of the addresses that the block changed. */
  accounts(): Iterable<number> {
    return this.#read().recordAt.keys();
  }

  /** An address's record before the block; null when the block did not change it. */
  account(id: number): AddressRecord | null {
    const at = this.#read().recordAt.get(id);
    return at === undefined ? null : recordFrom(this.#bytes, at);
  }

  #read(): Parts {
    this.#parts ??= readParts(this.#bytes);
    return this.#parts;
  }
}

interface Parts extends Omit<UndoParts, 'accounts'> {
  /** Where each account's record begins. */
  readonly recordAt: ReadonlyMap<number, number>;
}

function readParts(bytes: Bytes): Parts {
  const reader = new Reader(bytes, 'undo');
  const recordAt = new Map<number, number>();
  reader.list(MAX_PARTS, 4 + RECORD_BYTES, (item) => {
    recordAt.set(item.u32(), bytes.length - item.remaining);
    item.bytes(RECORD_BYTES);
  });
  const records = reader.list(MAX_PARTS, 37, (item) => {
    const key = item.bytes32();
    const isThere = item.u8() === 1;
    const value = item.longBytes(MAX_VALUE_BYTES);
    return { key, value: isThere ? value : null };
  });
  const created = reader.list(MAX_PARTS, 36, (item) => ({
    addressId: item.u32(),
    key: item.bytes32(),
  }));
  const spent = reader.list(MAX_PARTS, 86, (item) => ({
    addressId: item.u32(),
    key: item.bytes32(),
    txid: item.bytes32(),
    index: item.u16(),
    amount: item.u64(),
    height: item.u64(),
  }));
  reader.end();
  return { recordAt, records, created, spent };
}
