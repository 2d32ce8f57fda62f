/**
 * One line of an address's history: a transaction that touched it, and what it received and spent.
 *
 * A payout (epoch rewards, stake set free) has a line too: its position is past the block's last
 * transaction, its id is `payoutId` of the epoch (docs/protocol.md §5.3).
 */
import type { Bytes32 } from '../primitives/bytes.ts';
import type { Codec } from '../primitives/codec.ts';
import { bytes32, struct, u32, u64 } from '../primitives/struct.ts';

export interface HistoryEntry {
  readonly height: bigint;
  /** The transaction's place in its block. */
  readonly position: number;
  readonly txid: Bytes32;
  /** Units that came to the address. */
  readonly received: bigint;
  /** Units that left it, fees included. */
  readonly spent: bigint;
}

export const HISTORY_ENTRY_BYTES = 60;

export const historyEntryCodec: Codec<HistoryEntry> = /* @__PURE__ */ struct(
  'history entry',
  HISTORY_ENTRY_BYTES,
  { height: u64, position: u32, txid: bytes32, received: u64, spent: u64 },
);
