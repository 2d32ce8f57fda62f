/**
 * For each alert, a history that fires it and one, close by, that does not.
 *
 * Histories are in promtool's notation, a sample a minute from time 0: `5x60` repeats 5, `0+60x60`
 * grows by 60. The clock of the rules starts at 0 too, so a timestamp that stays 0 grows old.
 */

export interface History {
  readonly series: Readonly<Record<string, string>>;
  /** When to look, in minutes. */
  readonly atMinutes: number;
}

export interface RuleCase {
  readonly fires: History;
  readonly quiet: History;
}

const node = 'chain_id="c",instance="a",job="fanal-node"';
const other = 'chain_id="c",instance="b",job="fanal-node"';

const history = (atMinutes: number, series: Record<string, string>): History => ({
  series,
  atMinutes,
});

/** A gauge that fires at one value and is quiet at another. */
const level = (metric: string, bad: string, good: string, atMinutes = 60, labels = node) => ({
  fires: history(atMinutes, { [`${metric}{${labels}}`]: `${bad}x1000` }),
  quiet: history(atMinutes, { [`${metric}{${labels}}`]: `${good}x1000` }),
});

/** A counter that moves in the last minutes, or rests. */
const counts = (metric: string, labels: string): RuleCase => ({
  fires: history(20, { [`${metric}{${labels}}`]: '0x18 1 1 1' }),
  quiet: history(20, { [`${metric}{${labels}}`]: '3x30' }),
});

/** A timestamp that stands still, or follows the clock. */
const stops = (metric: string, atMinutes: number, more: Record<string, string> = {}): RuleCase => ({
  fires: history(atMinutes, { [`${metric}{${node}}`]: '0x3000', ...more }),
  quiet: history(atMinutes, { [`${metric}{${node}}`]: '0+60x3000', ...more }),
});

/** Two counters of one name whose ratio matters: bad ones a minute of 1,000 in all. */
const ratio = (
  metric: string,
  badLabel: string,
  goodLabel: string,
  bad: number,
  good: number,
  atMinutes = 60,
): RuleCase => {
  const at = (wrong: number) =>
    history(atMinutes, {
      [`${metric}{${node},${badLabel}}`]: `0+${wrong}x200`,
      [`${metric}{${node},${goodLabel}}`]: `0+${1000 - wrong}x200`,
    });
  return { fires: at(bad), quiet: at(good) };
};

/** Two gauges whose ratio matters. */
const pair = (top: string, bottom: string, bad: number, good: number, whole = 100): RuleCase => {
  const at = (value: number) =>
    history(60, {
      [`${top}{${node}}`]: `${value}x200`,
      [`${bottom}{${node}}`]: `${whole}x200`,
    });
  return { fires: at(bad), quiet: at(good) };
};

/** A histogram whose observations all fall in one bucket. */
const slow = (metric: string, bad: string, good: string): RuleCase => {
  const bounds = ['0.5', '1', '2', '4', '8', '+Inf'];
  const at = (bucket: string) =>
    history(
      60,
      Object.fromEntries(
        bounds.map((le, index) => [
          `${metric}_bucket{${node},le="${le}"}`,
          index >= bounds.indexOf(bucket) ? '0+100x200' : '0x200',
        ]),
      ),
    );
  return { fires: at(bad), quiet: at(good) };
};

const startTime = `process_start_time_seconds{${node}}`;
const resident = `process_resident_memory_bytes{${node}}`;

export const RULE_CASES: Readonly<Record<string, RuleCase>> = {
  NodeDown: level('up', '0', '1'),
  ConsensusStalled: stops('fanal_consensus_last_commit_timestamp_seconds', 1),
  BlockProductionStopped: stops('fanal_chain_head_timestamp_seconds', 6),
  CheckpointOld: stops('fanal_chain_checkpoint_timestamp_seconds', 5),
  QuorumLost: level('fanal_consensus_cosigned_stake_ratio', '0.66', '0.67'),
  NodeBehind: {
    fires: history(30, {
      [`fanal_chain_height{${node}}`]: '121x60',
      [`fanal_chain_height{${other}}`]: '100x60',
    }),
    quiet: history(30, {
      [`fanal_chain_height{${node}}`]: '120x60',
      [`fanal_chain_height{${other}}`]: '100x60',
    }),
  },
  Divergence: counts('fanal_chain_divergence_total', node),
  EvidenceFound: counts('fanal_consensus_evidence_total', `${node},kind="vertex"`),
  SignRefused: {
    fires: counts('fanal_validator_sign_refused_total', `${node},reason="root"`).fires,
    quiet: counts('fanal_validator_sign_refused_total', `${node},reason="size"`).fires,
  },
  SignatureFailures: {
    fires: counts('fanal_crypto_verify_failures_total', `${node},kind="vertex"`).fires,
    quiet: counts('fanal_crypto_verify_failures_total', `${node},kind="transaction"`).fires,
  },
  ValidatorNotSigning: {
    fires: history(5, {
      [`fanal_validator_active{${node}}`]: '1x60',
      [`fanal_validator_cosigned_timestamp_seconds{${node}}`]: '0x60',
    }),
    quiet: history(5, {
      [`fanal_validator_active{${node}}`]: '0x60',
      [`fanal_validator_cosigned_timestamp_seconds{${node}}`]: '0x60',
    }),
  },
  PeersNone: level('fanal_p2p_peers', '0', '1', 60, `${node},direction="inbound"`),
  ApiErrorsHigh: ratio('fanal_http_requests_total', 'code="500"', 'code="200"', 110, 90),
  MemoryCritical: pair('nodejs_heap_size_used_bytes', 'fanal_process_heap_limit_bytes', 96, 94),
  DiskFullSoon: {
    fires: history(360, { [`fanal_storage_free_bytes{${node}}`]: '500000-1000x400' }),
    quiet: history(360, { [`fanal_storage_free_bytes{${node}}`]: '900000-1000x400' }),
  },
  GatewayVerifyFailure: counts(
    'fanal_gateway_verify_failures_total',
    'chain_id="c",upstream="u",reason="root"',
  ),
  GatewayForkDetected: level('fanal_gateway_conflicting_checkpoints', '1', '0'),
  GatewayNoUpstream: level('fanal_gateway_upstream_up', '0', '1', 60, 'chain_id="c",upstream="u"'),
  GatewayStale: level('fanal_gateway_checkpoint_age_seconds', '61', '60'),
  QuorumMarginThin: level('fanal_consensus_cosigned_stake_ratio', '0.74', '0.75'),
  CertificationLag: pair('fanal_chain_height', 'fanal_chain_certified_height', 117, 116),
  StrangerSignatureFailures: {
    fires: history(60, {
      [`fanal_crypto_verify_failures_total{${node},kind="transaction"}`]: '0+70x100',
    }),
    quiet: history(60, {
      [`fanal_crypto_verify_failures_total{${node},kind="transaction"}`]: '0+50x100',
    }),
  },
  ValidatorMissing: ratio(
    'fanal_validator_cosignatures_total',
    'outcome="missed"',
    'outcome="matched"',
    60,
    40,
  ),
  ValidatorInaccurate: level(
    'fanal_network_validator_accuracy_ratio',
    '0.99',
    '1',
    60,
    'chain_id="c",validator="v"',
  ),
  CommitSlow: slow('fanal_consensus_commit_duration_seconds', '4', '2'),
  LeadersSkipped: ratio(
    'fanal_consensus_leader_slots_total',
    'decision="direct_skip"',
    'decision="direct_commit"',
    110,
    90,
  ),
  PeersLow: {
    fires: history(60, {
      [`fanal_p2p_peers{${node},direction="inbound"}`]: '2x100',
      [`fanal_consensus_validators{${node}}`]: '4x100',
    }),
    quiet: history(60, {
      [`fanal_p2p_peers{${node},direction="inbound"}`]: '3x100',
      [`fanal_consensus_validators{${node}}`]: '4x100',
    }),
  },
  PeerChurn: {
    fires: history(60, {
      [`fanal_p2p_disconnects_total{${node},reason="reset"}`]: '0+6x100',
    }),
    quiet: history(60, {
      [`fanal_p2p_disconnects_total{${node},reason="reset"}`]: '0+4x100',
    }),
  },
  MempoolHigh: pair('fanal_mempool_bytes', 'fanal_mempool_limit_bytes', 81, 79),
  ApiErrors: ratio('fanal_http_requests_total', 'code="503"', 'code="200"', 11, 9),
  GatewayErrors: ratio('fanal_gateway_http_requests_total', 'code="503"', 'code="200"', 11, 9),
  ApiSlow: slow('fanal_http_request_duration_seconds', '2', '1'),
  GatewaySlow: slow('fanal_gateway_http_request_duration_seconds', '2', '1'),
  MemoryGrowth: {
    fires: history(600, { [resident]: '100+0.1x1000', [startTime]: '0x1000' }),
    quiet: history(600, { [resident]: '100+0.01x1000', [startTime]: '0x1000' }),
  },
  MemoryHigh: pair('nodejs_heap_size_used_bytes', 'fanal_process_heap_limit_bytes', 86, 84),
  EventLoopLag: level('nodejs_eventloop_lag_p99_seconds', '0.26', '0.25'),
  ClockSkew: level('fanal_p2p_clock_skew_seconds', '-0.6', '0.5'),
  FdsHigh: pair('process_open_fds', 'process_max_fds', 81, 79),
  DiskLow: pair('fanal_storage_free_bytes', 'fanal_storage_size_bytes', 14, 16),
  SnapshotOld: stops('fanal_snapshot_last_success_timestamp_seconds', 37 * 60),
  BackupOld: stops('fanal_backup_last_success_timestamp_seconds', 27 * 60),
  RestartLoop: {
    fires: history(20, { [startTime]: '1x10 2x2 3x2 4x10' }),
    quiet: history(20, { [startTime]: '1x10 2x2 3x20' }),
  },
  VersionSkew: {
    fires: history(
      120,
      Object.fromEntries(
        ['1', '2', '3'].map((version) => [
          `fanal_build_info{${node},version="${version}"}`,
          '1x200',
        ]),
      ),
    ),
    quiet: history(
      120,
      Object.fromEntries(
        ['1', '2'].map((version) => [`fanal_build_info{${node},version="${version}"}`, '1x200']),
      ),
    ),
  },
  GatewayLagging: level('fanal_gateway_checkpoint_age_seconds', '16', '15'),
  GatewayCacheCold: ratio(
    'fanal_gateway_cache_requests_total',
    'result="miss",layer="isolate"',
    'result="hit",layer="isolate"',
    450,
    350,
  ),
  Watchdog: {
    fires: history(1, { [`up{${node}}`]: '1x5' }),
    quiet: history(1, { [`up{${node}}`]: '1x5' }),
  },
};
