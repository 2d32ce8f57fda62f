/**
 * A coin: an output that nobody has spent yet, named by the transaction that made it and the
 * output's place there (docs/protocol.md §7).
 */
import type { Bytes32 } from '../primitives/bytes.ts';
import { type Codec, codec, type Reader, type Writer } from '../primitives/codec.ts';

/** Which output of which transaction. */
export interface Outpoint {
  readonly txid: Bytes32;
  readonly index: number;
}

/** What the state keeps of a coin, under `coinKey` of its outpoint. */
export interface CoinValue {
  /** Units. */
  readonly amount: bigint;
  /** The block that made it. */
  readonly height: bigint;
}

/** A coin with its name. */
export interface Coin extends Outpoint, CoinValue {}

export const OUTPOINT_BYTES = 34;

export function writeOutpoint(writer: Writer, { txid, index }: Outpoint): void {
  writer.bytes(txid, 32).u16(index);
}

export function readOutpoint(reader: Reader): Outpoint {
  return { txid: reader.bytes32(), index: reader.u16() };
}

export const outpointCodec: Codec<Outpoint> = codec('outpoint', 34, writeOutpoint, readOutpoint);

/** The 16 bytes that an address's coin map holds for each coin. */
export const coinValueCodec: Codec<CoinValue> = codec(
  'coin value',
  16,
  (writer, { amount, height }) => {
    writer.u64(amount).u64(height);
  },
  (reader) => ({ amount: reader.u64(), height: reader.u64() }),
);

/** A coin as lists of coins carry it: outpoint, then value. */
export const coinCodec: Codec<Coin> = codec(
  'coin',
  50,
  (writer, coin) => {
    writeOutpoint(writer, coin);
    coinValueCodec.write(writer, coin);
  },
  (reader) => ({ ...readOutpoint(reader), ...coinValueCodec.read(reader) }),
);
