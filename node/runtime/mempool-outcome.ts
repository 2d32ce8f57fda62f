/**
 * What the mempool says of a transaction that somebody handed in, and what it counts.
 */
import type { Bytes32 } from 'fanal/primitives/bytes.ts';

export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly txid: Bytes32 }
  /** It waits here already, or is in a block. */
  | { readonly kind: 'known'; readonly txid: Bytes32 }
  | {
      readonly kind: 'rejected';
      readonly problem: SubmitProblem;
      /** The finer code, such as `transaction/coin-spent`. */
      readonly reason: string;
    };

export type SubmitProblem =
  | 'transaction-invalid'
  | 'transaction-conflict'
  | 'fee-too-low'
  | 'mempool-full'
  | 'syncing';

export type EvictionReason = 'expired' | 'fee' | 'conflict' | 'full';

/** What became of a transaction, as far as the mempool knows. */
export type MempoolStatus =
  | { readonly kind: 'pending' }
  | { readonly kind: 'evicted'; readonly code: string };

/** Counters for the metrics; they only grow. */
export interface MempoolCounters {
  readonly admitted: Record<'api' | 'gossip', number>;
  readonly rejected: Map<string, number>;
  readonly evicted: Record<EvictionReason, number>;
}

/** The API's word for a refusal. */
export function problemOf(code: string): SubmitProblem {
  if (code === 'transaction/fee-too-low') return 'fee-too-low';
  if (code.startsWith('mempool/')) return 'mempool-full';
  const isConflict = /^transaction\/(conflict|coin-spent|coin-unknown)$/.test(code);
  return isConflict ? 'transaction-conflict' : 'transaction-invalid';
}
