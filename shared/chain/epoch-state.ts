/**
 * The running epoch's accounts: what the next payout divides, and by which merits
 * (docs/protocol.md §5.6).
 */
import type { Codec } from '../primitives/codec.ts';
import { listOf, struct, u32, u64 } from '../primitives/struct.ts';
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

export const epochStateCodec: Codec<EpochState> = /* @__PURE__ */ struct(
  'epoch state',
  64 + MAX_VALIDATORS * 8,
  {
    epoch: u32,
    startTime: u64,
    supply: u64,
    fees: u64,
    committed: /* @__PURE__ */ listOf(MAX_VALIDATORS, 8, u64),
  },
);
