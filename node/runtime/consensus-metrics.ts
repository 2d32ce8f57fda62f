/**
 * What consensus at work tells the metrics, as it happens.
 */
import { FanalError } from 'fanal/primitives/errors.ts';
import type { MarkName } from '../core/types.ts';
import type { ExecutedBlock } from '../ledger/ledger.ts';
import type { ConsensusOptions } from './consensus.ts';
import type { NodeContext } from './node-context.ts';

/** Counters that marks of the core move, with their labels. */
const MARKS: Partial<Record<MarkName, readonly [name: string, labels: Record<string, string>]>> = {
  directCommit: ['consensus_leader_slots_total', { decision: 'direct_commit' }],
  indirectCommit: ['consensus_leader_slots_total', { decision: 'indirect_commit' }],
  directSkip: ['consensus_leader_slots_total', { decision: 'direct_skip' }],
  indirectSkip: ['consensus_leader_slots_total', { decision: 'indirect_skip' }],
  vertexAccepted: ['consensus_vertices_total', { outcome: 'accepted' }],
  vertexSuspended: ['consensus_vertices_total', { outcome: 'suspended' }],
  vertexDuplicate: ['consensus_vertices_total', { outcome: 'duplicate' }],
  leaderTimeout: ['consensus_timeouts_total', { kind: 'leader' }],
  voteTimeout: ['consensus_timeouts_total', { kind: 'vote' }],
  equivocationSeen: ['consensus_evidence_total', { kind: 'vertex' }],
  ownVertexCollected: ['validator_vertices_total', { outcome: 'dropped' }],
  cosignRefusedRoot: ['validator_sign_refused_total', { reason: 'root' }],
  cosignRefusedSize: ['validator_sign_refused_total', { reason: 'size' }],
  divergence: ['chain_divergence_total', {}],
};

/** Hooks for consensus. */
type ConsensusHooks = Pick<
  ConsensusOptions,
  'onStep' | 'onMark' | 'onWrites' | 'onSend' | 'onCosigning' | 'onRefused'
>;

/** Handles for the consensus's own hooks. */
export function consensusMetrics({
  metrics,
  seen,
  mempool,
}: Pick<NodeContext, 'metrics' | 'seen' | 'mempool'>): ConsensusHooks {
  seen.clear();
  return {
    onStep(event) {
      const now = Date.now();
      if (event.kind === 'vertices') for (const vertex of event.vertices) seen.vertex(vertex, now);
      if (event.kind !== 'cosignature') return;
      seen.cosigned(event.from, event.cosignature.size, event.cosignature.root, now);
    },
    onMark(name, count) {
      const known = MARKS[name];
      if (known !== undefined) metrics.add(known[0], count, known[1]);
    },
    onWrites(writes) {
      const now = Date.now();
      for (const write of writes) {
        seen.wrote(write, now);
        if (write.kind === 'epoch') seen.clear();
        if (write.kind === 'evidence' && write.evidence.kind === 'cosignature') {
          metrics.add('consensus_evidence_total', 1, { kind: 'checkpoint' });
        }
        if (write.kind !== 'commit') continue;
        const { commit } = write;
        const seconds = seen.committed(commit, now);
        if (seconds !== null) metrics.observe('consensus_commit_duration_seconds', seconds);
        const own = commit.vertices.filter(({ author }) => author === mempool.author).length;
        metrics.add('validator_vertices_total', own, { outcome: 'committed' });
      }
    },
    onSend(author, message) {
      const { roundSeconds, signSeconds } = seen.sent(author, message, Date.now());
      if (roundSeconds !== null) metrics.observe('consensus_round_duration_seconds', roundSeconds);
      if (signSeconds !== null) metrics.observe('validator_sign_duration_seconds', signSeconds);
    },
    onCosigning(author, { matched, mismatched }) {
      if (author === null) return;
      const outcome = matched.includes(author)
        ? 'matched'
        : mismatched.includes(author)
          ? 'mismatched'
          : 'missed';
      metrics.add('validator_cosignatures_total', 1, { outcome });
    },
    onRefused(error) {
      if (error instanceof FanalError && error.code.startsWith('vertex/')) {
        metrics.add('consensus_vertices_total', 1, { outcome: 'invalid' });
      }
    },
  };
}

/** Tells of blocks that were executed and certified. */
export function executionMetrics(context: NodeContext): {
  executed(block: ExecutedBlock): void;
  certified(height: bigint): void;
} {
  const { metrics, seen } = context;
  return {
    executed({ height, header, sizeBytes, timings }) {
      // A follower executes what is certified already.
      if (context.consensus !== null) seen.executed(height, Date.now());
      metrics.add('chain_transactions_total', header.txCount);
      metrics.observe('chain_block_size_bytes', sizeBytes);
      const step = (name: string, millis: number) =>
        metrics.observe('chain_apply_duration_seconds', millis / 1_000, { step: name });
      step('verify', timings.checkMillis);
      step('apply', timings.stateMillis);
      step('write', timings.writeMillis);
      metrics.observe('storage_write_duration_seconds', timings.writeMillis / 1_000, {
        store: 'ledger',
      });
    },
    certified(height) {
      for (const seconds of seen.certified(height, Date.now())) {
        metrics.observe('chain_certify_duration_seconds', seconds);
      }
    },
  };
}
