/**
 * What the parts of a running node tell the metrics: counts as they happen, gauges when they are
 * read.
 */
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { headerCodec } from 'fanal/chain/header.ts';
import { UNITS_PER_COIN } from 'fanal/primitives/units.ts';
import type { NodeContext } from './node-context.ts';
import { SnapshotFolder } from './snapshot-source.ts';

/** Has happenings of the node's parts counted and timed. */
export function watchParts({ parts, metrics, network, mempool }: NodeContext): void {
  const time = (name: string, millis: number, labels = {}) =>
    metrics.observe(name, millis / 1_000, labels);
  parts.pool.onChecked = (kind, millis, refused) => {
    time('crypto_verify_duration_seconds', millis, { kind });
    metrics.add('crypto_verify_failures_total', refused, { kind });
  };
  network.onHandshake = (millis, isGood) => {
    time('crypto_verify_duration_seconds', millis, { kind: 'handshake' });
    metrics.add('crypto_verify_failures_total', isGood ? 0 : 1, { kind: 'handshake' });
  };
  network.onRoundTrip = (millis) => time('p2p_peer_rtt_seconds', millis);
  mempool.pool.onIncluded = (millis) => time('mempool_wait_duration_seconds', millis);
  if (parts.journal === null) return;
  parts.journal.onBatch = (millis, writes) => {
    if (writes > 0) time('storage_write_duration_seconds', millis, { store: 'journal' });
  };
}

/** Has the gauges filled in before each exposition. */
export function readMetrics(context: NodeContext): void {
  const { parts, metrics, network, mempool, roster } = context;
  const seen = new Map<string, number>();
  const times = new SnapshotTimes(parts.home.snapshotMark);
  const copies = new SnapshotFolder(parts.home.snapshots);
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
    readSync(context);
    readCopies(context, copies);
    const snapshotMillis = times.newest();
    if (snapshotMillis !== null) {
      metrics.observe('snapshot_duration_seconds', snapshotMillis / 1_000);
    }
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
function readConsensus({ metrics, roster, seen, consensus }: NodeContext): void {
  const isMember = consensus !== null;
  const stakes = roster.current?.committee.stakes ?? [];
  const share = isMember ? seen.cosignedShare(stakes, Date.now()) : null;
  // NaN fires no rule: a follower, or a node that has just started, does not know these.
  metrics.set('consensus_cosigned_stake_ratio', share ?? Number.NaN);
  const committed = isMember ? seen.lastCommitAt : null;
  metrics.set('consensus_last_commit_timestamp_seconds', (committed ?? Number.NaN) / 1_000);
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

/** A validator is behind in its epoch when its newest leader is so many rounds old. */
const LATE_ROUNDS = 20;

/** How far this node is on its way to where the others are. */
function readSync({ status, metrics, consensus }: NodeContext): void {
  const { sync } = status;
  const tell = (mode: 'blocks' | 'commits', isActive: boolean, ratio: number) => {
    metrics.set('sync_active', isActive ? 1 : 0, { mode });
    metrics.set('sync_progress_ratio', isActive ? ratio : 1, { mode });
  };
  tell('blocks', sync !== null, sync === null ? 1 : Number(sync.height) / Number(sync.target));
  const core = consensus?.status();
  const isLate = core !== undefined && core.leaderRound + LATE_ROUNDS < core.clockRound;
  tell('commits', isLate, core === undefined ? 1 : core.leaderRound / core.clockRound);
}

/** How long snapshots take, which another process makes. */
class SnapshotTimes {
  readonly #mark: string;
  #last: string;

  constructor(mark: string) {
    this.#mark = mark;
    this.#last = this.#read();
  }

  /** Milliseconds that the newest took; null when there is none since the last look. */
  newest(): number | null {
    const text = this.#read();
    if (text === this.#last || text === '') return null;
    this.#last = text;
    const millis = Number(text.split(' ')[1]);
    return Number.isFinite(millis) ? millis : null;
  }

  #read(): string {
    try {
      return readFileSync(this.#mark, 'utf8').trim();
    } catch {
      return '';
    }
  }
}

/** When the data was last copied: the newest snapshot, and the last backup that was verified. */
function readCopies({ parts, metrics }: NodeContext, copies: SnapshotFolder): void {
  const { backupMark } = parts.home;
  const [newest] = copies.stored();
  const snapshotAt = newest === undefined ? null : writtenAt(join(newest.folder, 'manifest'));
  const backupAt = writtenAt(backupMark);
  if (snapshotAt !== null) metrics.set('snapshot_last_success_timestamp_seconds', snapshotAt);
  if (backupAt !== null) metrics.set('backup_last_success_timestamp_seconds', backupAt);
}

function writtenAt(path: string): number | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : stats.mtimeMs / 1_000;
}
