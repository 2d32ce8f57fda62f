/**
 * The Grafana dashboards that `fanal dashboard print` writes, as code.
 *
 * A dashboard is a list of rows of panels on Grafana's 24-column grid; ids, positions and the data
 * source variable are filled in here, so that two panels never overlap or share an id.
 */

export type DashboardName = 'node' | 'network' | 'gateway';

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly width: number;
  readonly kind: 'timeseries' | 'stat' | 'status-history' | 'table';
  /** Legend by expression. */
  readonly queries: Readonly<Record<string, string>>;
  /** A line drawn across the panel, such as the quorum. */
  readonly threshold?: number;
}

interface Dashboard {
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

const ROW_HEIGHT = 8;
const GRID_COLUMNS = 24;
/** Grafana's own variable, filled in when the dashboard is opened. */
const DATASOURCE = `\${datasource}`;

const chart = (
  title: string,
  unit: string,
  description: string,
  queries: Readonly<Record<string, string>>,
  more: Partial<Panel> = {},
): Panel => ({ title, description, unit, width: 8, kind: 'timeseries', queries, ...more });

const chain = '{chain_id="$chain"}';
const quantile = (q: number, metric: string, by = '') =>
  `histogram_quantile(${q}, sum by (le${by}) (rate(${metric}_bucket${chain}[$__rate_interval])))`;
const perSecond = (metric: string, by: string) =>
  `sum by (${by}) (rate(${metric}${chain}[$__rate_interval]))`;

const DASHBOARDS: Readonly<Record<DashboardName, Dashboard>> = {
  node: {
    title: 'Fanal / Node',
    description: 'One validator or full node: is it healthy, and what is it doing?',
    panels: [
      chart('Height', 'short', 'Last executed and last certified height.', {
        'executed {{instance}}': `fanal_chain_height${chain}`,
        'certified {{instance}}': `fanal_chain_certified_height${chain}`,
      }),
      chart('Checkpoint age', 's', 'Age of the last certified checkpoint.', {
        '{{instance}}': `time() - fanal_chain_checkpoint_timestamp_seconds${chain}`,
      }),
      chart(
        'Cosigned stake',
        'percentunit',
        'Stake that cosigned the newest settled checkpoint; the line is the quorum.',
        { '{{instance}}': `fanal_consensus_cosigned_stake_ratio${chain}` },
        { threshold: 0.6667 },
      ),
      chart('Nodes up', 'short', 'Nodes that answer.', { up: 'sum(up{job="fanal-node"})' }),
      chart('Commit latency', 's', 'From leader vertex to commit.', {
        p50: quantile(0.5, 'fanal_consensus_commit_duration_seconds'),
        p95: quantile(0.95, 'fanal_consensus_commit_duration_seconds'),
        p99: quantile(0.99, 'fanal_consensus_commit_duration_seconds'),
      }),
      chart('Round time', 's', 'Time between own rounds.', {
        p50: quantile(0.5, 'fanal_consensus_round_duration_seconds'),
        p95: quantile(0.95, 'fanal_consensus_round_duration_seconds'),
      }),
      chart('Transactions', 'ops', 'Transactions executed a second.', {
        '{{instance}}': perSecond('fanal_chain_transactions_total', 'instance'),
      }),
      chart('Skipped leaders', 'ops', 'Leader slots by decision.', {
        '{{decision}}': perSecond('fanal_consensus_leader_slots_total', 'decision'),
      }),
      chart('Missed cosignatures', 'ops', 'Own cosignatures against certified checkpoints.', {
        '{{outcome}}': perSecond('fanal_validator_cosignatures_total', 'outcome'),
      }),
      chart('Mempool', 'bytes', 'Bytes waiting, and the limit.', {
        '{{instance}}': `fanal_mempool_bytes${chain}`,
        'limit {{instance}}': `fanal_mempool_limit_bytes${chain}`,
      }),
      chart('Rejections', 'ops', 'Transactions refused, by reason.', {
        '{{reason}}': perSecond('fanal_mempool_rejected_total', 'reason'),
      }),
      chart('Peers', 'short', 'Connected peers.', {
        '{{instance}}': `sum by (instance) (fanal_p2p_peers${chain})`,
      }),
      chart('Bytes out', 'Bps', 'Bytes sent, by channel.', {
        '{{channel}}': perSecond('fanal_p2p_sent_bytes_total', 'channel'),
      }),
      chart('Event loop', 's', 'How long the main thread was blocked, 99th percentile.', {
        '{{instance}}': `nodejs_eventloop_lag_p99_seconds${chain}`,
      }),
      chart('Heap', 'bytes', 'Heap used, and its limit.', {
        '{{instance}}': `nodejs_heap_size_used_bytes${chain}`,
        'limit {{instance}}': `fanal_process_heap_limit_bytes${chain}`,
      }),
      chart('Disk free', 'bytes', 'Free space of the data disk.', {
        '{{instance}}': `fanal_storage_free_bytes${chain}`,
      }),
      chart('Write p99', 's', 'One durable transaction, 99th percentile.', {
        '{{store}}': quantile(0.99, 'fanal_storage_write_duration_seconds', ', store'),
      }),
    ],
  },
  network: {
    title: 'Fanal / Network',
    description: 'All validators of a chain: who signs, who is missing, does anyone diverge?',
    panels: [
      chart(
        'Cosigning',
        'percentunit',
        'Share of certified checkpoints that each validator cosigned in time.',
        { '{{validator}}': `fanal_network_validator_cosigned_ratio${chain}` },
        { kind: 'status-history', width: 24 },
      ),
      chart('Absent stake', 'percentunit', 'Stake that does not cosign.', {
        absent: `1 - min(fanal_consensus_cosigned_stake_ratio${chain})`,
      }),
      chart('Height spread', 'short', 'Best minus worst height.', {
        spread: `max(fanal_chain_height${chain}) - min(fanal_chain_height${chain})`,
      }),
      chart('Versions', 'short', 'Nodes by version.', {
        '{{version}}': `count by (version) (fanal_build_info${chain})`,
      }),
      chart('Evidence', 'short', 'Proofs of misbehaviour found in the last hour.', {
        '{{kind}}': `sum by (kind) (increase(fanal_consensus_evidence_total${chain}[1h]))`,
      }),
      chart('Accuracy', 'percentunit', 'Cosignatures that match the certified root.', {
        '{{validator}}': `fanal_network_validator_accuracy_ratio${chain}`,
      }),
    ],
  },
  gateway: {
    title: 'Fanal / Gateway',
    description: 'The verifier at the edge: is its tip fresh, are its sources honest?',
    panels: [
      chart('Checkpoint age', 's', "Age of the verified tip's header.", {
        age: `fanal_gateway_checkpoint_age_seconds${chain}`,
      }),
      chart('Verification failures', 'ops', 'Answers refused, by upstream.', {
        '{{upstream}} {{reason}}': perSecond(
          'fanal_gateway_verify_failures_total',
          'upstream, reason',
        ),
      }),
      chart('Answers', 'ops', 'Answers by status code.', {
        '{{code}}': perSecond('fanal_gateway_http_requests_total', 'code'),
      }),
      chart('Latency', 's', 'Time to answer.', {
        p50: quantile(0.5, 'fanal_gateway_http_request_duration_seconds'),
        p99: quantile(0.99, 'fanal_gateway_http_request_duration_seconds'),
      }),
      chart('Cache', 'ops', 'Cache look-ups by layer and result.', {
        '{{layer}} {{result}}': perSecond('fanal_gateway_cache_requests_total', 'layer, result'),
      }),
      chart('Rate limited', 'ops', 'Requests answered 429.', {
        '{{policy}}': perSecond('fanal_gateway_rate_limited_total', 'policy'),
      }),
      chart('Streams', 'short', 'Open event streams.', {
        '{{kind}}': `fanal_gateway_http_streams${chain}`,
      }),
      chart('Broadcasts', 'ops', 'Transactions relayed.', {
        '{{outcome}}': perSecond('fanal_gateway_broadcasts_total', 'outcome'),
      }),
      chart('Upstreams', 'short', '1 while the breaker is closed.', {
        '{{upstream}}': `fanal_gateway_upstream_up${chain}`,
      }),
    ],
  },
};

export const DASHBOARD_NAMES: readonly DashboardName[] = ['node', 'network', 'gateway'];

/** Prints one dashboard as the JSON that Grafana imports. */
export function printDashboard(name: DashboardName): string {
  const { title, description, panels } = DASHBOARDS[name];
  return `${JSON.stringify(
    {
      uid: `fanal-${name}`,
      title,
      description,
      tags: ['fanal'],
      editable: true,
      schemaVersion: 39,
      refresh: '10s',
      time: { from: 'now-1h', to: 'now' },
      templating: { list: [datasourceVariable(), chainVariable(name)] },
      panels: place(panels),
    },
    null,
    2,
  )}\n`;
}

function place(panels: readonly Panel[]) {
  let x = 0;
  let y = 0;
  return panels.map((panel, index) => {
    if (x + panel.width > GRID_COLUMNS) {
      x = 0;
      y += ROW_HEIGHT;
    }
    const gridPos = { x, y, w: panel.width, h: ROW_HEIGHT };
    x += panel.width;
    return panelJson(panel, index + 1, gridPos);
  });
}

function panelJson(panel: Panel, id: number, gridPos: object) {
  const thresholds = {
    mode: 'absolute',
    steps:
      panel.threshold === undefined
        ? [{ color: 'green', value: null }]
        : [
            { color: 'red', value: null },
            { color: 'green', value: panel.threshold },
          ],
  };
  return {
    id,
    gridPos,
    type: panel.kind,
    title: panel.title,
    description: panel.description,
    datasource: { type: 'prometheus', uid: DATASOURCE },
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        thresholds,
        custom: panel.threshold === undefined ? {} : { thresholdsStyle: { mode: 'line' } },
      },
      overrides: [],
    },
    options: {},
    targets: Object.entries(panel.queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: { type: 'prometheus', uid: DATASOURCE },
      expr,
      legendFormat,
    })),
  };
}

function datasourceVariable() {
  return { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' };
}

function chainVariable(name: DashboardName) {
  const metric = name === 'gateway' ? 'fanal_gateway_build_info' : 'fanal_build_info';
  return {
    name: 'chain',
    type: 'query',
    label: 'Chain',
    datasource: { type: 'prometheus', uid: DATASOURCE },
    query: `label_values(${metric}, chain_id)`,
    refresh: 2,
  };
}
