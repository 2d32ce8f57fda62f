/**
 * Every metric that Fanal's node, gateway and watcher expose, in one table.
 *
 * The table feeds the exposition, the documentation, the dashboards and the alert rules, so that a
 * name or a label exists once. Prefix `fanal_`; every series also carries `chain_id`. A label with
 * a closed set of values names them here: counters start at 0 for each, or the first event would
 * be invisible to `increase()`.
 */

export type MetricType = 'gauge' | 'counter' | 'histogram';

/** Who exposes a metric: a node, the gateway, or `fanal watch` on another host. */
export type MetricSource = 'node' | 'gateway' | 'watch';

export interface MetricDefinition {
  /** Full name with prefix and unit. */
  readonly name: string;
  readonly type: MetricType;
  readonly source: MetricSource;
  /** One line for a person. */
  readonly help: string;
  /** Label names; an empty list of values means that they are known only at run time. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
const BYTES = [1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6];
const NO_LABELS: Readonly<Record<string, readonly string[]>> = {};

type Labels = Readonly<Record<string, readonly string[]>>;

const define =
  (source: MetricSource, type: MetricType) =>
  (name: string, help: string, labels: Labels = NO_LABELS): MetricDefinition => {
    const base = { name: `fanal_${name}`, type, source, help, labels };
    if (type !== 'histogram') return base;
    return { ...base, buckets: name.endsWith('_bytes') ? BYTES : SECONDS };
  };

const gauge = define('node', 'gauge');
const counter = define('node', 'counter');
const histogram = define('node', 'histogram');
const gatewayGauge = define('gateway', 'gauge');
const gatewayCounter = define('gateway', 'counter');
const gatewayHistogram = define('gateway', 'histogram');
const watchGauge = define('watch', 'gauge');
const watchCounter = define('watch', 'counter');

const CRYPTO_KINDS = ['vertex', 'cosignature', 'handshake', 'transaction'];
const STORES = ['journal', 'ledger'];

/** All metrics, by source and subject. */
export const METRICS: readonly MetricDefinition[] = [
  gauge('build_info', 'Constant 1; the labels say what runs', {
    version: [],
    commit: [],
    node: [],
  }),
  gauge('chain_height', 'Height of the last executed block'),
  gauge('chain_certified_height', 'Height of the last certified header'),
  gauge('chain_head_timestamp_seconds', 'Header time of the last executed block'),
  gauge('chain_checkpoint_timestamp_seconds', 'Header time of the last certified checkpoint'),
  counter('chain_transactions_total', 'Transactions executed'),
  counter('chain_divergence_total', 'Own roots that differ from a certified one'),
  histogram('chain_block_size_bytes', 'Size of a block body'),
  histogram('chain_certify_duration_seconds', 'From executed to certified'),
  histogram('chain_apply_duration_seconds', 'Execution of a block', {
    step: ['verify', 'apply', 'write'],
  }),
  gauge('chain_coins', 'Unspent coins'),
  gauge('chain_addresses', 'Addresses with a record'),
  gauge('consensus_epoch', 'Epoch in force'),
  gauge('consensus_validators', 'Validators of the set in force'),
  gauge('consensus_stake', 'Stake of the set in force, in coins'),
  gauge('consensus_round', 'Own last round'),
  gauge('consensus_commit_index', 'Last commit of the epoch'),
  gauge('consensus_last_commit_timestamp_seconds', 'When the last commit was decided'),
  gauge('consensus_missing_ancestors', 'Vertices being fetched'),
  gauge(
    'consensus_cosigned_stake_ratio',
    'Stake that cosigned the newest checkpoint at least 5 s old, certified or not',
  ),
  histogram('consensus_round_duration_seconds', 'Time between own rounds'),
  histogram('consensus_commit_duration_seconds', 'From leader vertex to commit'),
  counter('consensus_leader_slots_total', 'Leader slots decided', {
    decision: ['direct_commit', 'indirect_commit', 'direct_skip', 'indirect_skip'],
  }),
  counter('consensus_vertices_total', 'Vertices received', {
    outcome: ['accepted', 'suspended', 'duplicate', 'invalid'],
  }),
  counter('consensus_timeouts_total', 'Rounds left by timeout', { kind: ['leader', 'vote'] }),
  counter('consensus_evidence_total', 'Proofs of misbehaviour held', {
    kind: ['vertex', 'checkpoint'],
  }),
  gauge('validator_active', '1 while this validator is in the set and signs'),
  gauge('validator_stake', 'Own stake, in coins'),
  gauge('validator_cosigned_height', 'Height of the last own cosignature'),
  gauge('validator_cosigned_timestamp_seconds', 'When this validator last cosigned'),
  counter('validator_cosignatures_total', 'Own cosignatures against certified checkpoints', {
    outcome: ['matched', 'mismatched', 'missed'],
  }),
  counter('validator_vertices_total', 'Own vertices', { outcome: ['committed', 'dropped'] }),
  counter('validator_sign_refused_total', 'Signatures refused by the sign-state guard', {
    reason: ['root', 'size'],
  }),
  histogram(
    'validator_sign_duration_seconds',
    'From a signature to its sending, once it is recorded durably',
  ),
  histogram('mempool_wait_duration_seconds', 'From admission to commit'),
  histogram('crypto_verify_duration_seconds', 'One batch of signature checks', {
    kind: CRYPTO_KINDS,
  }),
  counter('crypto_verify_failures_total', 'Signatures refused', { kind: CRYPTO_KINDS }),
  gauge('mempool_transactions', 'Transactions waiting'),
  gauge('mempool_bytes', 'Bytes waiting'),
  gauge('mempool_limit_bytes', 'Most bytes that may wait'),
  counter('mempool_admitted_total', 'Transactions admitted', { source: ['api', 'gossip'] }),
  counter('mempool_rejected_total', 'Transactions refused', { reason: [] }),
  counter('mempool_evicted_total', 'Transactions dropped after admission', {
    reason: ['expired', 'fee', 'conflict', 'full'],
  }),
  gauge('p2p_peers', 'Connected peers', { direction: ['inbound', 'outbound'] }),
  counter('p2p_dials_total', 'Dials', { outcome: ['success', 'failure'] }),
  counter('p2p_disconnects_total', 'Connections lost', { reason: [] }),
  counter('p2p_bans_total', 'Peers refused for misbehaviour', { reason: [] }),
  counter('p2p_received_bytes_total', 'Bytes received', {
    channel: ['consensus', 'gossip', 'sync'],
  }),
  counter('p2p_sent_bytes_total', 'Bytes sent', { channel: ['consensus', 'gossip', 'sync'] }),
  histogram('p2p_peer_rtt_seconds', 'Round trip to a peer'),
  gauge('p2p_clock_skew_seconds', "Own clock minus the peers' median"),
  gauge('sync_active', '1 while catching up', { mode: ['blocks', 'commits'] }),
  gauge('sync_progress_ratio', 'Share of the way to the tip', {
    mode: ['blocks', 'commits'],
  }),
  histogram('snapshot_duration_seconds', 'Making a snapshot of this folder, by whichever process'),
  gauge('snapshot_last_success_timestamp_seconds', 'When a snapshot was last made'),
  gauge('backup_last_success_timestamp_seconds', 'When a backup was last verified'),
  gauge('storage_size_bytes', 'Size of the data disk'),
  gauge('storage_free_bytes', 'Free space of the data disk'),
  gauge('storage_database_bytes', 'Size of a database', { store: STORES }),
  histogram('storage_write_duration_seconds', 'One durable transaction', { store: STORES }),
  gauge('process_heap_limit_bytes', 'Most heap that V8 may use'),
  counter('http_requests_total', 'Requests answered', { route: [], method: [], code: [] }),
  histogram('http_request_duration_seconds', 'Time to answer', { route: [], method: [] }),
  gauge('http_streams', 'Open event streams', { kind: ['sse', 'websocket'] }),

  gatewayGauge('gateway_build_info', 'Constant 1; the labels say what runs', {
    version: [],
    commit: [],
    node: [],
  }),
  gatewayGauge('gateway_checkpoint_height', 'Height of the verified tip'),
  gatewayGauge('gateway_checkpoint_age_seconds', "Age of the verified tip's header"),
  gatewayGauge('gateway_conflicting_checkpoints', 'Forks held as evidence'),
  gatewayCounter('gateway_checkpoints_verified_total', 'Checkpoints verified', { upstream: [] }),
  gatewayCounter('gateway_verify_failures_total', 'Answers of upstreams refused', {
    upstream: [],
    reason: [],
  }),
  gatewayHistogram('gateway_verify_duration_seconds', 'One verification', {
    kind: ['checkpoint', 'proof'],
  }),
  gatewayGauge('gateway_upstream_up', '1 while the breaker is closed', { upstream: [] }),
  gatewayCounter('gateway_upstream_requests_total', 'Requests to upstreams', {
    upstream: [],
    outcome: ['success', 'timeout', 'error', 'unverified'],
  }),
  gatewayHistogram('gateway_upstream_request_duration_seconds', 'Answer time of an upstream', {
    upstream: [],
  }),
  gatewayCounter('gateway_cache_requests_total', 'Cache look-ups', {
    layer: ['isolate', 'edge', 'object'],
    result: ['hit', 'stale', 'miss'],
  }),
  gatewayCounter('gateway_rate_limited_total', 'Requests answered 429', { policy: [] }),
  gatewayCounter('gateway_broadcasts_total', 'Transactions relayed', {
    outcome: ['accepted', 'known', 'rejected', 'failed'],
  }),
  gatewayCounter('gateway_http_requests_total', 'Requests answered', {
    route: [],
    method: [],
    code: [],
  }),
  gatewayHistogram('gateway_http_request_duration_seconds', 'Time to answer', {
    route: [],
    method: [],
  }),
  gatewayGauge('gateway_http_streams', 'Open event streams', { kind: ['sse', 'websocket'] }),

  watchGauge('network_validator_cosigned_ratio', 'Certified checkpoints cosigned in time', {
    validator: [],
  }),
  watchGauge('network_validator_accuracy_ratio', 'Cosignatures that match the certified root', {
    validator: [],
  }),
  watchCounter('network_validator_rounds_total', 'Rounds whose vertex was committed', {
    validator: [],
  }),
  watchCounter('network_validator_rewards_total', 'Rewards accrued, in coins', { validator: [] }),
];
