/**
 * What a block replaced: enough to take it back, and to say what was before it.
 *
 * It is written with the block as one row and kept for the blocks of the window, in memory too.
 * Records stay encoded until somebody asks.
 */
import { type AddressRecord, addressRecordCodec } from 'fanal/chain/address-record.ts';
import { type Bytes, type Bytes32, EMPTY_BYTES } from 'fanal/primitives/bytes.ts';
import { Reader, Writer } from 'fanal/primitives/codec.ts';
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

const RECORD_BYTES = 88;
const MAX_PARTS = 0xffff_ffff;
const MAX_VALUE_BYTES = 64 * 1024;

export function encodeUndo({ accounts, records, created, spent }: UndoParts): Bytes {
  const size = accounts.length * (4 + RECORD_BYTES) + created.length * 36 + spent.length * 86;
  return new Writer(size + 4_096)
    .list(accounts, MAX_PARTS, (writer, { id, record }) => {
      writer.u32(id);
      addressRecordCodec.write(writer, record);
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

/** A block's undo, read as far as is needed to find what somebody asks for. */
export class BlockUndo {
  readonly #bytes: Bytes;
  /** Where each account's record begins. */
  readonly #recordAt = new Map<number, number>();
  readonly records: readonly RecordBefore[];
  readonly created: readonly Pick<StoredCoin, 'addressId' | 'key'>[];
  readonly spent: readonly StoredCoin[];

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    const reader = new Reader(bytes, 'undo');
    reader.list(MAX_PARTS, 4 + RECORD_BYTES, (item) => {
      this.#recordAt.set(item.u32(), bytes.length - item.remaining);
      item.bytes(RECORD_BYTES);
    });
    this.records = reader.list(MAX_PARTS, 37, (item) => {
      const key = item.bytes32();
      const isThere = item.u8() === 1;
      const value = item.longBytes(MAX_VALUE_BYTES);
      return { key, value: isThere ? value : null };
    });
    this.created = reader.list(MAX_PARTS, 36, (item) => ({
      addressId: item.u32(),
      key: item.bytes32(),
    }));
    this.spent = reader.list(MAX_PARTS, 86, (item) => ({
      addressId: item.u32(),
      key: item.bytes32() as Bytes32,
      txid: item.bytes32(),
      index: item.u16(),
      amount: item.u64(),
      height: item.u64(),
    }));
    reader.end();
  }

  /** The ids of the addresses that the block changed. */
  accounts(): Iterable<number> {
    return this.#recordAt.keys();
  }

  /** An address's record before the block; null when the block did not change it. */
  account(id: number): AddressRecord | null {
    const at = this.#recordAt.get(id);
    if (at === undefined) return null;
    return addressRecordCodec.read(
      new Reader(this.#bytes.subarray(at, at + RECORD_BYTES), 'undo record'),
    );
  }
}
