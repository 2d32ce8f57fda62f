/**
 * What the roles of a running node share.
 */
import type { Metrics } from '../api/metrics.ts';
import type { Network } from '../network/network.ts';
import type { Consensus } from './consensus.ts';
import type { ConsensusWatch } from './consensus-watch.ts';
import type { InstanceWatch } from './join.ts';
import type { NodeMempool } from './node-mempool.ts';
import type { NodeStatus } from './node-status.ts';
import type { NodeParts } from './open-node.ts';
import type { Roster } from './roster.ts';
import type { VerifiedPayloads } from './verified-payloads.ts';

export interface NodeContext {
  readonly parts: NodeParts;
  readonly network: Network;
  readonly mempool: NodeMempool;
  readonly metrics: Metrics;
  readonly status: NodeStatus;
  readonly roster: Roster;
  readonly watch: InstanceWatch;
  readonly payloads: VerifiedPayloads;
  /** What the metrics tell of consensus. */
  readonly seen: ConsensusWatch;
  /** Aborted when the node stops. */
  readonly signal: AbortSignal;
  /** Heights of the last executed and the last certified block. */
  readonly heights: { executed: bigint; certified: bigint };
  /** The instance of consensus at work; null while this node follows. */
  consensus: Consensus | null;
  /** Something broke that the node must stop for. */
  fail(error: Error): void;
}
