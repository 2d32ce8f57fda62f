/**
 * The running epoch's accounts: what the next payout divides, and by which merits
 * (docs/protocol.md §7.5).
 */
import { type Codec, codec } from '../primitives/codec.ts';
import { MAX_VALIDATORS } from './limits.ts';

export interface EpochState {
  readonly epoch: number;
  /** Time of the last header of the epoch before (of genesis, for epoch 0). */
  readonly startTime: bigint;
  /** All units there are: coins, stake, unbonding stake, and fees not yet paid out. */
  readonly supply: bigint;
  /** Fees of this epoch, with what the last payout could not divide. */
  readonly fees: bigint;
  /** For each validator of the set, by index: its vertices that were committed in this epoch. */
  readonly committed: readonly bigint[];
}

export const epochStateCodec: Codec<EpochState> = codec(
  'epoch state',
  64 + MAX_VALIDATORS * 8,
  (writer, state) => {
    writer
      .u32(state.epoch)
      .u64(state.startTime)
      .u64(state.supply)
      .u64(state.fees)
      .list(state.committed, MAX_VALIDATORS, (w, count) => {
        w.u64(count);
      });
  },
  (reader) => ({
    epoch: reader.u32(),
    startTime: reader.u64(),
    supply: reader.u64(),
    fees: reader.u64(),
    committed: reader.list(MAX_VALIDATORS, 8, (item) => item.u64()),
  }),
);
