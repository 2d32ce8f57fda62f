/**
 * What the monitor shows, once a second: a node's view of its network.
 */

export type Health = 'healthy' | 'degraded' | 'unhealthy' | 'unreachable';

export interface ValidatorRow {
  readonly rank: number;
  readonly name: string;
  /** Share of the whole stake, 0 to 1. */
  readonly stakeShare: number;
  /** Share of certified checkpoints cosigned in time, 0 to 1; null before the first. */
  readonly cosigned: number | null;
  /** Share of cosignatures that match the certified root, 0 to 1; null before the first. */
  readonly accuracy: number | null;
  readonly rounds: number;
  /** Rewards accrued this epoch, in coins. */
  readonly rewards: number;
  readonly latencyMillis: number | null;
  readonly version: string | null;
}

export interface MonitorEvent {
  readonly atMillis: number;
  readonly level: 'info' | 'warn' | 'crit';
  readonly text: string;
}

export interface MonitorSample {
  readonly takenAtMillis: number;
  readonly network: string;
  readonly version: string;
  readonly health: Health;
  /** Why it is not healthy. */
  readonly reason: string | null;
  readonly epoch: number;
  readonly height: bigint;
  readonly certifiedHeight: bigint;
  readonly headAgeSeconds: number | null;
  readonly checkpointAgeSeconds: number | null;
  readonly commitIndex: bigint;
  readonly round: number;
  readonly commitMillis: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  } | null;
  /** Share of leader slots committed directly, 0 to 1, and how many were skipped. */
  readonly leaders: { readonly direct: number; readonly skipped: number } | null;
  /** Share of the stake behind the newest settled checkpoint, 0 to 1. */
  readonly cosignedStake: number | null;
  readonly missing: readonly string[];
  readonly transactionsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly blockBytes: number;
  readonly mempool: {
    readonly transactions: number;
    readonly bytes: number;
    readonly limitBytes: number;
  };
  readonly validators: readonly ValidatorRow[];
  readonly peers: number;
  readonly loopP99Millis: number | null;
  readonly heapBytes: number;
  readonly heapLimitBytes: number;
  readonly diskFree: number | null;
  readonly clockSkewMillis: number | null;
  /** Newest first. */
  readonly events: readonly MonitorEvent[];
}
