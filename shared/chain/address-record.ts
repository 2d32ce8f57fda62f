/**
 * What the state commits to for one address: its balance, its coins, and its whole history
 * (docs/protocol.md §5.2).
 */
import type { Bytes32 } from '../primitives/bytes.ts';
import { ZERO_32 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { type Hash, sha256 } from '../primitives/hash.ts';
import { bytes32, struct, u64 } from '../primitives/struct.ts';

export interface AddressRecord {
  /** Units: the sum of the address's coins. */
  readonly balance: bigint;
  readonly coinCount: bigint;
  /** Map of `coinKey` to coin value. */
  readonly coinsRoot: Bytes32;
  readonly historySize: bigint;
  /** List of history entries, in ledger order. */
  readonly historyRoot: Bytes32;
}

export const ADDRESS_RECORD_BYTES = 88;

export const addressRecordCodec: Codec<AddressRecord> = /* @__PURE__ */ struct(
  'address record',
  ADDRESS_RECORD_BYTES,
  { balance: u64, coinCount: u64, coinsRoot: bytes32, historySize: u64, historyRoot: bytes32 },
);

/** The root of a map without entries. */
export const NO_COINS_ROOT: Hash = ZERO_32;
/** The root of a list without leaves, SHA-256(""). */
export const NO_HISTORY_ROOT: Hash = /* @__PURE__ */ sha256(new Uint8Array(0));

/** What an address that no transaction ever touched has; the state holds no record for it. */
export const UNUSED_ADDRESS: AddressRecord = {
  balance: 0n,
  coinCount: 0n,
  coinsRoot: NO_COINS_ROOT,
  historySize: 0n,
  historyRoot: NO_HISTORY_ROOT,
};
