/**
 * How much may wait in the mempool, and for how long.
 */
const MIB = 1024 * 1024;

export interface MempoolLimits {
  readonly maxBytes: number;
  readonly maxTransactions: number;
  /** Waiting transactions that spend from one address. */
  readonly maxPerOwner: number;
  /** A transaction with all it waits for, or all that waits for it. */
  readonly maxChain: number;
  /** How long a transaction waits at most. */
  readonly maxAgeMillis: number;
  /** Waiting transactions that came from one peer or client. */
  readonly maxPerSource: number;
  /** Transactions of one source that are being checked. */
  readonly maxCheckingPerSource: number;
  /** What went into the DAG and not into a block is proposed again after this. */
  readonly proposedMillis: number;
  /** The second proposer waits so long, the third twice so long, and so on. */
  readonly rankMillis: number;
  /** Times that a transaction whose coin is not there yet is tried again. */
  readonly maxRetries: number;
  /** Refusals that are remembered for those who ask. */
  readonly rememberedRefusals: number;
  /** Checked signatures that are remembered for execution. */
  readonly rememberedChecks: number;
}

export const MEMPOOL_LIMITS: MempoolLimits = {
  maxBytes: 32 * MIB,
  maxTransactions: 20_000,
  maxPerOwner: 100,
  maxChain: 25,
  maxAgeMillis: 600_000,
  maxPerSource: 10_000,
  maxCheckingPerSource: 2_048,
  proposedMillis: 20_000,
  rankMillis: 2_000,
  maxRetries: 3,
  rememberedRefusals: 10_000,
  rememberedChecks: 65_536,
};
