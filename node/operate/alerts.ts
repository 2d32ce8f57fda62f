/**
 * The alerts that Fanal ships: when each fires, how bad it is, and the first line of its runbook.
 *
 * One table feeds `fanal rules print`, the runbook pages in `docs/runbooks/` and the rule tests.
 * Expressions are PromQL over `shared/api/metrics.ts`.
 */

export type Severity = 'critical' | 'warning' | 'none';

export interface Alert {
  /** Name without the prefix `Fanal`. */
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long it must hold, a Prometheus duration; empty when it fires at once. */
  readonly for: string;
  /** One sentence for whoever is woken. */
  readonly summary: string;
  /** The first thing to do. */
  readonly runbook: string;
}

const age = (metric: string) => `(time() - ${metric})`;
const oldest = (metric: string) => `min by (chain_id) ${age(metric)}`;
const q95 = (metric: string, by = '') =>
  `histogram_quantile(0.95, sum by (chain_id, le${by}) (rate(${metric}_bucket[5m])))`;
const share = (metric: string, selector: string, window: string) =>
  `sum by (chain_id, instance) (rate(${metric}{${selector}}[${window}])) / sum by (chain_id, instance) (rate(${metric}[${window}]))`;

const critical = (
  name: string,
  expr: string,
  hold: string,
  summary: string,
  runbook: string,
): Alert => ({ name, severity: 'critical', expr, for: hold, summary, runbook });

const warning = (
  name: string,
  expr: string,
  hold: string,
  summary: string,
  runbook: string,
): Alert => ({ name, severity: 'warning', expr, for: hold, summary, runbook });

/** Every alert, critical ones first. */
export const ALERTS: readonly Alert[] = [
  critical(
    'NodeDown',
    'up{job="fanal-node"} == 0',
    '2m',
    'A Fanal node does not answer.',
    'Read the exit code in `journalctl -u fanal`; never start a second copy elsewhere.',
  ),
  critical(
    'ConsensusStalled',
    `${oldest('fanal_consensus_last_commit_timestamp_seconds')} > 30`,
    '',
    'No node has seen a commit for 30 s.',
    'Look at live stake in `fanal validators`: under two thirds, call the missing operators; else look at clocks and partitions.',
  ),
  critical(
    'BlockProductionStopped',
    `${oldest('fanal_chain_head_timestamp_seconds')} > 300`,
    '',
    'No node has executed a block for 5 min.',
    'Commits arrive but blocks do not: look at execution, the disk, and a divergence marker.',
  ),
  critical(
    'CheckpointOld',
    `${oldest('fanal_chain_checkpoint_timestamp_seconds')} > 60`,
    '1m',
    'No checkpoint has been certified for a minute.',
    'Blocks but no quorum: find who does not cosign in `fanal validators --sort missed`.',
  ),
  critical(
    'QuorumLost',
    'min by (chain_id) (fanal_consensus_cosigned_stake_ratio) * 3 <= 2',
    '30s',
    'The stake that cosigns is no quorum.',
    'Call the operators whom `fanal monitor` names as missing.',
  ),
  critical(
    'NodeBehind',
    'max by (chain_id) (fanal_chain_height) - on (chain_id) group_right () fanal_chain_height > 20',
    '2m',
    'A node is more than 20 blocks behind the best of its chain.',
    'Look at peers, disk latency and the event loop; if it does not catch up, join by a snapshot.',
  ),
  critical(
    'Divergence',
    'increase(fanal_chain_divergence_total[10m]) > 0',
    '',
    'This node computed another root than the certified one.',
    'Keep data and logs, do not restart, and compare versions with the others.',
  ),
  critical(
    'EvidenceFound',
    'increase(fanal_consensus_evidence_total[10m]) > 0',
    '',
    'A validator signed two things that exclude each other.',
    'Read the evidence file; if it names you, stop the node.',
  ),
  critical(
    'SignRefused',
    'increase(fanal_validator_sign_refused_total{reason="root"}[5m]) > 0',
    '',
    'The sign-state guard refused a signature.',
    'Look for a second machine that runs with this key.',
  ),
  critical(
    'SignatureFailures',
    'increase(fanal_crypto_verify_failures_total{kind=~"vertex|cosignature"}[5m]) > 0',
    '',
    'A validator sent a signature that does not verify.',
    'From one peer: cut it off. From many: suspect our own version or rule.',
  ),
  critical(
    'ValidatorNotSigning',
    `fanal_validator_active == 1 and ${age('fanal_validator_cosigned_timestamp_seconds')} > 60`,
    '1m',
    'This validator is in the set and has not cosigned for a minute.',
    'Run `fanal status`: is it observing, locked, or behind?',
  ),
  critical(
    'PeersNone',
    'sum by (chain_id, instance) (fanal_p2p_peers) == 0',
    '1m',
    'A node has no peers.',
    "Look at this host's network and firewall.",
  ),
  critical(
    'ApiErrorsHigh',
    `${share('fanal_http_requests_total', 'code=~"5.."', '5m')} > 0.1`,
    '5m',
    'More than a tenth of the API answers are errors.',
    'Take the node out of its gateways, then read the log.',
  ),
  critical(
    'MemoryCritical',
    'nodejs_heap_size_used_bytes / on (chain_id, instance) fanal_process_heap_limit_bytes > 0.95',
    '2m',
    'The heap is at its limit.',
    'Restart the node before V8 does.',
  ),
  critical(
    'DiskFullSoon',
    'predict_linear(fanal_storage_free_bytes[6h], 4 * 3600) < 0',
    '15m',
    'The data disk is full within four hours at this rate.',
    'Prune snapshots or grow the disk, now.',
  ),
  critical(
    'GatewayVerifyFailure',
    'increase(fanal_gateway_verify_failures_total[5m]) > 0',
    '',
    'An upstream of the gateway served something that does not verify.',
    'An upstream lies or is broken: drop it from the gateway and keep the bytes.',
  ),
  critical(
    'GatewayForkDetected',
    'fanal_gateway_conflicting_checkpoints > 0',
    '',
    'Two certified checkpoints exclude each other.',
    'Safety is broken: stop, and publish the evidence file.',
  ),
  critical(
    'GatewayNoUpstream',
    'sum by (chain_id) (fanal_gateway_upstream_up) == 0',
    '1m',
    'No upstream of the gateway answers.',
    'Are the nodes up? Which breakers are open, and why?',
  ),
  critical(
    'GatewayStale',
    'fanal_gateway_checkpoint_age_seconds > 60',
    '1m',
    "The gateway's tip is older than a minute.",
    'Is the chain stalled, or only the gateway? Compare with a node.',
  ),
  warning(
    'QuorumMarginThin',
    'min by (chain_id) (fanal_consensus_cosigned_stake_ratio) < 0.75',
    '5m',
    'Less than three quarters of the stake cosigns.',
    'One more loss may stop the chain: call the missing operators.',
  ),
  warning(
    'CertificationLag',
    'fanal_chain_height - on (chain_id, instance) fanal_chain_certified_height > 16',
    '2m',
    'Execution runs ahead of certification.',
    'Execution pauses at 32; proceed as for CheckpointOld.',
  ),
  warning(
    'StrangerSignatureFailures',
    'sum by (chain_id, instance) (rate(fanal_crypto_verify_failures_total{kind=~"transaction|handshake"}[5m])) > 1',
    '10m',
    'Strangers send signatures that do not verify.',
    'Find the source and lower its limit.',
  ),
  warning(
    'ValidatorMissing',
    `${share('fanal_validator_cosignatures_total', 'outcome="missed"', '15m')} > 0.05`,
    '5m',
    'This validator misses more than one checkpoint in twenty.',
    'Look at latency to peers, CPU and disk.',
  ),
  warning(
    'ValidatorInaccurate',
    'fanal_network_validator_accuracy_ratio < 1',
    '',
    'A validator cosigned another root than the certified one.',
    'Ask its operator; see Divergence.',
  ),
  warning(
    'CommitSlow',
    `${q95('fanal_consensus_commit_duration_seconds')} > 2`,
    '10m',
    'Commits take more than 2 s.',
    'Look for slow validators and slow links.',
  ),
  warning(
    'LeadersSkipped',
    `${share('fanal_consensus_leader_slots_total', 'decision=~".*_skip"', '10m')} > 0.1`,
    '10m',
    'More than a tenth of the leader slots is skipped.',
    'Who leads the skipped slots?',
  ),
  warning(
    'PeersLow',
    'sum by (chain_id, instance) (fanal_p2p_peers) < on (chain_id, instance) clamp_max(fanal_consensus_validators - 1, 5)',
    '5m',
    'A node has few peers.',
    'Look at the firewall, port 26700 and the allow-list.',
  ),
  warning(
    'PeerChurn',
    'sum by (chain_id, instance) (rate(fanal_p2p_disconnects_total[5m])) * 60 > 5',
    '5m',
    'Connections are lost again and again.',
    'The reason label tells a flapping link from a flood.',
  ),
  warning(
    'MempoolHigh',
    'fanal_mempool_bytes / on (chain_id, instance) fanal_mempool_limit_bytes > 0.8',
    '10m',
    'The mempool is nearly full.',
    'Look at fees, spam and stalled execution.',
  ),
  warning(
    'ApiErrors',
    `${share('fanal_http_requests_total', 'code=~"5.."', '5m')} > 0.01`,
    '5m',
    'More than one API answer in a hundred is an error.',
    'Look at routes by code, then at the log.',
  ),
  warning(
    'GatewayErrors',
    `${share('fanal_gateway_http_requests_total', 'code=~"5.."', '5m')} > 0.01`,
    '5m',
    'More than one gateway answer in a hundred is an error.',
    'Look at routes by code, then at the upstreams.',
  ),
  warning(
    'ApiSlow',
    `${q95('fanal_http_request_duration_seconds', ', instance')} > 1`,
    '10m',
    'The API answers slowly.',
    'Look at the event loop and the disk.',
  ),
  warning(
    'GatewaySlow',
    `${q95('fanal_gateway_http_request_duration_seconds')} > 1`,
    '10m',
    'The gateway answers slowly.',
    'Look at the cache ratio and the upstreams.',
  ),
  warning(
    'MemoryGrowth',
    'min_over_time(process_resident_memory_bytes{job="fanal-node"}[1h]) > 1.25 * min_over_time(process_resident_memory_bytes{job="fanal-node"}[1h] offset 6h) and on (instance) (time() - process_start_time_seconds{job="fanal-node"}) > 8 * 3600',
    '30m',
    'Memory has grown by a quarter in six hours.',
    'Take a heap snapshot, then plan a restart.',
  ),
  warning(
    'MemoryHigh',
    'nodejs_heap_size_used_bytes / on (chain_id, instance) fanal_process_heap_limit_bytes > 0.85',
    '10m',
    'The heap is nearly at its limit.',
    'Look at queues and caches.',
  ),
  warning(
    'EventLoopLag',
    'nodejs_eventloop_lag_p99_seconds{job="fanal-node"} > 0.25',
    '5m',
    'The main thread is blocked.',
    'What runs on the main thread? Take a CPU profile.',
  ),
  warning(
    'ClockSkew',
    'abs(fanal_p2p_clock_skew_seconds) > 0.5',
    '5m',
    "This host's clock is off.",
    'Run `chronyc tracking`.',
  ),
  warning(
    'FdsHigh',
    'process_open_fds{job="fanal-node"} / process_max_fds{job="fanal-node"} > 0.8',
    '10m',
    'File descriptors run out.',
    'Look at streams and peers, and at LimitNOFILE.',
  ),
  warning(
    'DiskLow',
    'fanal_storage_free_bytes / on (chain_id, instance) fanal_storage_size_bytes < 0.15',
    '15m',
    'The data disk is nearly full.',
    'Prune, or grow the disk.',
  ),
  warning(
    'SnapshotOld',
    'time() - fanal_snapshot_last_success_timestamp_seconds > 36 * 3600',
    '',
    'No snapshot has been made for 36 h.',
    "Read the timer's journal: `journalctl -u fanal-snapshot`.",
  ),
  warning(
    'BackupOld',
    'time() - fanal_backup_last_success_timestamp_seconds > 26 * 3600',
    '',
    'No backup has been verified for 26 h.',
    'Run `fanal backup create`, then `fanal backup verify`.',
  ),
  warning(
    'RestartLoop',
    'changes(process_start_time_seconds{job="fanal-node"}[15m]) > 2',
    '',
    'A node restarts again and again.',
    'Read the exit codes; a divergence marker stops the loop.',
  ),
  warning(
    'VersionSkew',
    'count by (chain_id) (count by (chain_id, version) (fanal_build_info)) > 2',
    '1h',
    'More than two versions run on one chain.',
    'Finish the upgrade.',
  ),
  warning(
    'GatewayLagging',
    'fanal_gateway_checkpoint_age_seconds > 15',
    '3m',
    "The gateway's tip is late.",
    'Look at its alarm loop and at upstream latency.',
  ),
  warning(
    'GatewayCacheCold',
    'sum by (chain_id) (rate(fanal_gateway_cache_requests_total{result=~"hit|stale"}[5m])) / sum by (chain_id) (rate(fanal_gateway_cache_requests_total[5m])) < 0.6',
    '30m',
    'The caches of the gateway miss too often.',
    'Look at keys, a purge, or a scan.',
  ),
  {
    name: 'Watchdog',
    severity: 'none',
    expr: 'vector(1)',
    for: '',
    summary: 'Always fires: route it to a dead-man switch.',
    runbook: 'If this alert is missing, alerting itself is broken.',
  },
];
