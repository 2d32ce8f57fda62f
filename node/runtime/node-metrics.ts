/**
 * What the running node tells the metrics: counts as they happen, gauges when they are read.
 */
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { headerCodec } from 'fanal/chain/header.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { MarkName } from '../core/types.ts';
import { listSnapshots } from '../store/snapshot-files.ts';
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
  divergence: ['chain_divergence_total', {}],
};

/** Hooks for consensus. */
type ConsensusHooks = Pick<
  ConsensusOptions,
  'onStep' | 'onMark' | 'onWrites' | 'onSend' | 'onCosigning'
>;

/** Handles for the consensus's own hooks. */
export function consensusMetrics({
  metrics,
  seen,
}: Pick<NodeContext, 'metrics' | 'seen'>): ConsensusHooks {
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
      for (const write of writes) {
        if (write.kind === 'epoch') seen.clear();
        if (write.kind === 'evidence' && write.evidence.kind === 'cosignature') {
          metrics.add('consensus_evidence_total', 1, { kind: 'checkpoint' });
        }
        if (write.kind !== 'commit') continue;
        const seconds = seen.committed(write.commit, Date.now());
        if (seconds !== null) metrics.observe('consensus_commit_duration_seconds', seconds);
      }
    },
    onSend: (author, message) => seen.sent(author, message, Date.now()),
    onCosigning(author, { matched, mismatched }) {
      if (author === null) return;
      const outcome = matched.includes(author)
        ? 'matched'
        : mismatched.includes(author)
          ? 'mismatched'
          : 'missed';
      metrics.add('validator_cosignatures_total', 1, { outcome });
    },
  };
}

/** Has the gauges filled in before each exposition. */
export function readMetrics(context: NodeContext): void {
  const { parts, metrics, network, mempool, roster } = context;
  const seen = new Map<string, number>();
  /** Moves a counter to where a growing number stands. */
  const follow = (name: string, value: number, labels: Record<string, string> = {}) => {
    const key = `${name} ${Object.values(labels).join()}`;
    const before = seen.get(key) ?? 0;
    if (value > before) metrics.add(name, value - before, labels);
    seen.set(key, value);
  };
  metrics.beforeScrape(async () => {
    const status = context.consensus?.status();
    const epoch = roster.current;
    if (epoch !== null) {
      metrics.set('consensus_epoch', epoch.record.epoch);
      metrics.set('consensus_validators', epoch.committee.size);
      metrics.set('consensus_stake', epoch.committee.total / Number(UNITS_PER_COIN));
    }
    metrics.set('validator_active', status?.author === null || status === undefined ? 0 : 1);
    if (status !== undefined) {
      metrics.set('consensus_round', status.round);
      metrics.set('consensus_commit_index', Number(status.commit.index));
      metrics.set('consensus_missing_ancestors', status.missing);
      if (status.author !== null && epoch !== null) {
        const stake = epoch.committee.stakes[status.author] ?? 0;
        metrics.set('validator_stake', stake / Number(UNITS_PER_COIN));
      }
    }
    readConsensus(context);
    const [tip, certified, stats] = await Promise.all([
      parts.ledger.tip(),
      parts.ledger.certifiedTip(),
      parts.ledger.stats(),
    ]);
    const { time } = headerCodec.decode(certified.header);
    metrics.set('chain_head_timestamp_seconds', Number(tip.header.time) / 1_000);
    metrics.set('chain_checkpoint_timestamp_seconds', Number(time) / 1_000);
    metrics.set('chain_coins', Number(stats.coins));
    metrics.set('chain_addresses', Number(stats.addresses));
    metrics.set('storage_database_bytes', stats.databaseBytes, { store: 'ledger' });
    if (parts.journal !== null) {
      const bytes = await parts.journal.call('sizeBytes', []);
      metrics.set('storage_database_bytes', bytes, { store: 'journal' });
    }
    const { bsize, blocks, bavail } = statfsSync(parts.home.data);
    metrics.set('storage_size_bytes', bsize * blocks);
    metrics.set('storage_free_bytes', bsize * bavail);
    metrics.set('process_heap_limit_bytes', getHeapStatistics().heap_size_limit);
    readPeers(context);
    readCopies(context);
    const { counters } = network;
    follow('p2p_dials_total', counters.dials.success, { outcome: 'success' });
    follow('p2p_dials_total', counters.dials.failure, { outcome: 'failure' });
    follow('p2p_disconnects_total', counters.disconnects, { reason: 'closed' });
    follow('p2p_bans_total', counters.bans, { reason: 'misconduct' });
    for (const [lane, channel] of [
      ['urgent', 'consensus'],
      ['bulk', 'gossip'],
      ['request', 'sync'],
    ] as const) {
      follow('p2p_sent_bytes_total', counters.sentBytes[lane], { channel });
      follow('p2p_received_bytes_total', counters.receivedBytes[lane], { channel });
    }
    const pool = mempool.pool.counters;
    follow('mempool_admitted_total', pool.admitted.api, { source: 'api' });
    follow('mempool_admitted_total', pool.admitted.gossip, { source: 'gossip' });
    for (const [reason, count] of pool.rejected)
      follow('mempool_rejected_total', count, { reason });
    for (const [reason, count] of Object.entries(pool.evicted)) {
      follow('mempool_evicted_total', count, { reason });
    }
  });
}

/** What is known of cosigning and commits, as of now. */
function readConsensus({ metrics, roster, seen }: NodeContext): void {
  const share = seen.cosignedShare(roster.current?.committee.stakes ?? [], Date.now());
  if (share !== null) metrics.set('consensus_cosigned_stake_ratio', share);
  if (seen.lastCommitAt !== null) {
    metrics.set('consensus_last_commit_timestamp_seconds', seen.lastCommitAt / 1_000);
  }
  if (seen.own === null) return;
  metrics.set('validator_cosigned_height', seen.own.height);
  metrics.set('validator_cosigned_timestamp_seconds', seen.own.atMillis / 1_000);
}

function readPeers({ network, metrics }: NodeContext): void {
  const counts = { inbound: 0, outbound: 0 };
  const skews: number[] = [];
  for (const { direction, clockAheadMillis } of network.peers()) {
    counts[direction]++;
    if (clockAheadMillis !== null) skews.push(-clockAheadMillis / 1_000);
  }
  metrics.set('p2p_peers', counts.inbound, { direction: 'inbound' });
  metrics.set('p2p_peers', counts.outbound, { direction: 'outbound' });
  skews.sort((a, b) => a - b);
  metrics.set('p2p_clock_skew_seconds', skews[skews.length >> 1] ?? 0);
}

/** When the data was last copied: the newest snapshot, and the last backup that was verified. */
function readCopies({ parts, metrics }: NodeContext): void {
  const { snapshots, backupMark } = parts.home;
  const newest = listSnapshots(snapshots)[0];
  const snapshotAt = newest === undefined ? null : writtenAt(join(newest.folder, 'manifest'));
  const backupAt = writtenAt(backupMark);
  if (snapshotAt !== null) metrics.set('snapshot_last_success_timestamp_seconds', snapshotAt);
  if (backupAt !== null) metrics.set('backup_last_success_timestamp_seconds', backupAt);
}

function writtenAt(path: string): number | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : stats.mtimeMs / 1_000;
}
