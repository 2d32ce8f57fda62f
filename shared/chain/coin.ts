/**
 * A coin: an output that nobody has spent yet, named by the transaction that made it and the
 * output's place there (docs/protocol.md §5.2).
 */
import type { Bytes32 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { bytes32, struct, u16, u64 } from '../primitives/struct.ts';

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

export const outpointCodec: Codec<Outpoint> = /* @__PURE__ */ struct('outpoint', OUTPOINT_BYTES, {
  txid: bytes32,
  index: u16,
});

/** The 16 bytes that an address's coin map holds for each coin. */
export const coinValueCodec: Codec<CoinValue> = /* @__PURE__ */ struct('coin value', 16, {
  amount: u64,
  height: u64,
});

export const COIN_BYTES = 50;

/** A coin as lists of coins carry it: outpoint, then value. */
export const coinCodec: Codec<Coin> = /* @__PURE__ */ struct('coin', COIN_BYTES, {
  txid: bytes32,
  index: u16,
  amount: u64,
  height: u64,
});
