/**
 * One line of an address's history: a transaction that touched it, and what it received and spent.
 *
 * A payout (epoch rewards, stake set free) has a line too: its position is past the block's last
 * transaction, its id is `payoutId` of the epoch (docs/protocol.md §7.3).
 */
import type { Bytes32 } from '../primitives/bytes.ts';
import { type Codec, codec } from '../primitives/codec.ts';

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

export const historyEntryCodec: Codec<HistoryEntry> = codec(
  'history entry',
  HISTORY_ENTRY_BYTES,
  (writer, entry) => {
    writer
      .u64(entry.height)
      .u32(entry.position)
      .bytes(entry.txid, 32)
      .u64(entry.received)
      .u64(entry.spent);
  },
  (reader) => ({
    height: reader.u64(),
    position: reader.u32(),
    txid: reader.bytes32(),
    received: reader.u64(),
    spent: reader.u64(),
  }),
);
