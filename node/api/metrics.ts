/**
 * The node's metrics: the table of `fanal/api/metrics.ts` as live series.
 *
 * The only file that knows which metrics library there is. A name that is not in the table does
 * not compile into a series: it stops the process at once.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { METRICS, type MetricDefinition, type MetricSource } from 'fanal/api/metrics.ts';
import { assert } from 'fanal/primitives/assert.ts';

export type Labels = Readonly<Record<string, string>>;

/** Live metrics of one process. Names are those of the table, without the `fanal_` prefix. */
export interface Metrics {
  set(gauge: string, value: number, labels?: Labels): void;
  add(counter: string, amount?: number, labels?: Labels): void;
  observe(histogram: string, value: number, labels?: Labels): void;
  /** Has `read` called before each exposition, to fill in gauges. */
  beforeScrape(read: () => void | Promise<void>): void;
  /** The text exposition. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Series of the library that `promtool check metrics` finds fault with. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
];

/**
 * Opens the series of one source, every one of them starting at 0.
 *
 * @param chainId the `chain_id` label of every series: the origin's digits
 */
export function openMetrics(chainId: string, source: MetricSource = 'node'): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ chain_id: chainId });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const series = new Map(
    METRICS.filter((metric) => metric.source === source).map((metric) => [
      metric.name.slice('fanal_'.length),
      open(registry, metric),
    ]),
  );
  const find = <K extends Series['kind']>(kind: K, name: string) => {
    const found = series.get(name);
    assert(found !== undefined, `no metric is called ${name}`);
    assert(found.kind === kind, `${name} is a ${found.kind}, not a ${kind}`);
    return found as Extract<Series, { kind: K }>;
  };
  const readers: (() => void | Promise<void>)[] = [];
  return {
    set: (name, value, labels = {}) => find('gauge', name).metric.set({ ...labels }, value),
    add: (name, amount = 1, labels = {}) => find('counter', name).metric.inc({ ...labels }, amount),
    observe: (name, value, labels = {}) =>
      find('histogram', name).metric.observe({ ...labels }, value),
    beforeScrape: (read) => {
      readers.push(read);
    },
    async text() {
      for (const read of readers) await read();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

type Series =
  | { readonly kind: 'gauge'; readonly metric: Gauge<string> }
  | { readonly kind: 'counter'; readonly metric: Counter<string> }
  | { readonly kind: 'histogram'; readonly metric: Histogram<string> };

function open(registry: Registry, definition: MetricDefinition): Series {
  const { name, help, type, labels, buckets } = definition;
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  switch (type) {
    case 'gauge':
      return { kind: 'gauge', metric: new Gauge(options) };
    case 'histogram':
      return {
        kind: 'histogram',
        metric: new Histogram({ ...options, buckets: [...(buckets ?? [])] }),
      };
    case 'counter': {
      const metric = new Counter(options);
      for (const known of labelSets(labels)) metric.inc(known, 0);
      return { kind: 'counter', metric };
    }
  }
}

/** Every combination of labels whose values are known beforehand. */
function labelSets(labels: MetricDefinition['labels']): Record<string, string>[] {
  let sets: Record<string, string>[] = [{}];
  for (const [name, values] of Object.entries(labels)) {
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value })));
  }
  return sets;
}
