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
  /** Round trip from the node that is asked to this one; null for itself, or when unknown. */
  readonly latencyMillis: number | null;
  readonly version: string | null;
  /** Not connected, or without a vertex in the last commits while others have them. */
  readonly isSilent: boolean;
  /** The node that is asked. */
  readonly isAsked: boolean;
}

export interface MonitorAlert {
  /** Name of the shipped alert, without its prefix: its runbook has the same. */
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  readonly text: string;
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
  readonly commitAgeSeconds: number | null;
  /** Null without the operations port, like all that only the node itself knows. */
  readonly commitIndex: number | null;
  readonly round: number | null;
  /** From leader vertex to commit over the last half minute; `last` since the sample before. */
  readonly commitMillis: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly last: number | null;
  } | null;
  /** Share of leader slots committed directly, 0 to 1, and how many were skipped. */
  readonly leaders: { readonly direct: number; readonly skipped: number } | null;
  /** Share of the stake behind the newest settled checkpoint, 0 to 1. */
  readonly cosignedStake: number | null;
  /** Share of the stake whose validators are not silent, 0 to 1; null before it is known. */
  readonly liveStake: number | null;
  /** Validators that are silent or cosign too little. */
  readonly missing: readonly string[];
  readonly throughput: {
    readonly transactionsPerSecond: number;
    readonly bytesPerSecond: number;
    readonly blockBytes: number;
  } | null;
  readonly mempool: {
    readonly transactions: number;
    readonly bytes: number;
    readonly limitBytes: number;
  };
  readonly validators: readonly ValidatorRow[];
  /** Null when a gateway answers, which has none. */
  readonly peers: { readonly inbound: number; readonly outbound: number } | null;
  readonly loopP99Millis: number | null;
  readonly heap: { readonly bytes: number; readonly limitBytes: number } | null;
  readonly diskFree: number | null;
  readonly clockSkewMillis: number | null;
  /** Share of the API's answers that were its own fault, 0 to 1. */
  readonly errorRate: number;
  /** What holds now, critical ones first. */
  readonly alerts: readonly MonitorAlert[];
  /** What happened, newest first. */
  readonly events: readonly MonitorEvent[];
}
