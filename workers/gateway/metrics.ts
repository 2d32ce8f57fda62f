/**
 * Counts, gauges and histograms of the gateway, by the table in `shared/api/metrics.ts`.
 *
 * An isolate counts in its own registry and hands what it counted to the one that is exposed;
 * alone, every isolate would show another truth. Under Node there is only the one.
 */
import { METRICS, type MetricDefinition } from 'fanal/api/metrics.ts';
import { assert } from 'fanal/primitives/assert.ts';
import { MAX_SERIES } from './limits.ts';

export type Labels = Readonly<Record<string, string>>;

/** What was counted since the last time: series by key, each a row of numbers. */
export type MetricsDelta = readonly (readonly [key: string, values: readonly number[]])[];

/** Where the gateway's parts count. */
export interface Metrics {
  count(name: string, labels?: Labels, by?: number): void;
  set(name: string, value: number, labels?: Labels): void;
  observe(name: string, value: number, labels?: Labels): void;
}

const DEFINITIONS = new Map(
  METRICS.filter((metric) => metric.source === 'gateway').map((metric) => [metric.name, metric]),
);

export class MetricsRegistry implements Metrics {
  /** `name{labels}` to a row: one number, or a histogram's buckets, +Inf, sum. */
  readonly #series = new Map<string, number[]>();
  readonly #changed = new Set<string>();

  constructor() {
    for (const definition of DEFINITIONS.values()) this.#startAtZero(definition);
  }

  count(name: string, labels: Labels = {}, by = 1): void {
    const row = this.#row(definitionOf(name, 'counter'), labels);
    if (row !== null) row[0] = (row[0] as number) + by;
  }

  /** A counter that is counted often: its name is made once. */
  counter(name: string, labels: Labels): () => void {
    const definition = definitionOf(name, 'counter');
    const key = keyOf(definition.name, labels);
    return () => {
      const row = this.#rowOf(key, definition);
      if (row === null) return;
      row[0] = (row[0] as number) + 1;
      this.#changed.add(key);
    };
  }

  /** A histogram that is observed often. */
  histogram(name: string, labels: Labels): (value: number) => void {
    const definition = definitionOf(name, 'histogram');
    const key = keyOf(definition.name, labels);
    return (value) => {
      const row = this.#rowOf(key, definition);
      if (row === null) return;
      addTo(row, definition.buckets ?? [], value);
      this.#changed.add(key);
    };
  }

  set(name: string, value: number, labels: Labels = {}): void {
    const row = this.#row(definitionOf(name, 'gauge'), labels);
    if (row !== null) row[0] = value;
  }

  observe(name: string, value: number, labels: Labels = {}): void {
    const definition = definitionOf(name, 'histogram');
    const row = this.#row(definition, labels);
    if (row === null) return;
    addTo(row, definition.buckets ?? [], value);
  }

  /** Takes what changed since the last call: counters and histograms as differences. */
  drain(): MetricsDelta {
    const delta: [string, number[]][] = [];
    for (const key of this.#changed) {
      const row = this.#series.get(key) as number[];
      delta.push([key, row.slice()]);
      if (DEFINITIONS.get(nameOf(key))?.type !== 'gauge') row.fill(0);
    }
    this.#changed.clear();
    return delta;
  }

  /** Adds what another registry drained. Series that the table does not know are ignored. */
  merge(delta: MetricsDelta): void {
    for (const [key, values] of delta) {
      const definition = DEFINITIONS.get(nameOf(key));
      if (definition === undefined) continue;
      const row = this.#rowOf(key, definition);
      if (row === null || row.length !== values.length) continue;
      for (const [i, value] of values.entries()) {
        row[i] = definition.type === 'gauge' ? value : (row[i] as number) + value;
      }
    }
  }

  /** The exposition in Prometheus' text format. Every series also carries `chain_id`. */
  text(chainId: string): string {
    const chain = `chain_id="${chainId}"`;
    const lines: string[] = [];
    const keys = [...this.#series.keys()].sort();
    for (const definition of DEFINITIONS.values()) {
      lines.push(`# HELP ${definition.name} ${definition.help}`);
      lines.push(`# TYPE ${definition.name} ${definition.type}`);
      for (const key of keys) {
        if (nameOf(key) !== definition.name) continue;
        const own = key.slice(definition.name.length + 1, -1);
        const labels = own === '' ? chain : `${chain},${own}`;
        lines.push(...linesOf(definition, labels, this.#series.get(key) as number[]));
      }
    }
    return `${lines.join('\n')}\n`;
  }

  #startAtZero(definition: MetricDefinition): void {
    if (definition.type === 'gauge') return;
    const names = Object.entries(definition.labels);
    if (names.some(([, values]) => values.length === 0)) return;
    let labels: Labels[] = [{}];
    for (const [name, values] of names) {
      labels = labels.flatMap((some) => values.map((value) => ({ ...some, [name]: value })));
    }
    for (const some of labels) this.#rowOf(keyOf(definition.name, some), definition);
  }

  #row(definition: MetricDefinition, labels: Labels): number[] | null {
    const key = keyOf(definition.name, labels);
    const row = this.#rowOf(key, definition);
    if (row !== null) this.#changed.add(key);
    return row;
  }

  #rowOf(key: string, definition: MetricDefinition): number[] | null {
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#series.size >= MAX_SERIES) return null;
    const length = definition.type === 'histogram' ? (definition.buckets?.length ?? 0) + 2 : 1;
    const row = new Array<number>(length).fill(0);
    this.#series.set(key, row);
    return row;
  }
}

/** Adds a value to a histogram's row. */
function addTo(row: number[], bounds: readonly number[], value: number): void {
  let at = 0;
  while (at < bounds.length && value > (bounds[at] as number)) at++;
  row[at] = (row[at] as number) + 1;
  row[bounds.length + 1] = (row[bounds.length + 1] as number) + value;
}

function definitionOf(name: string, type: MetricDefinition['type']): MetricDefinition {
  const definition = DEFINITIONS.get(`fanal_gateway_${name}`);
  assert(definition?.type === type, `no ${type} named ${name}`);
  return definition as MetricDefinition;
}

function keyOf(name: string, labels: Labels): string {
  let text = '';
  for (const label in labels) {
    text += `${text === '' ? '' : ','}${label}="${(labels[label] as string).replaceAll(/["\\\n]/g, '_')}"`;
  }
  return `${name}{${text}}`;
}

function nameOf(key: string): string {
  return key.slice(0, key.indexOf('{'));
}

function linesOf(definition: MetricDefinition, labels: string, row: readonly number[]): string[] {
  const { name, type } = definition;
  if (type !== 'histogram') return [`${name}{${labels}} ${row[0]}`];
  const bounds = definition.buckets ?? [];
  const lines: string[] = [];
  let below = 0;
  for (let i = 0; i <= bounds.length; i++) {
    below += row[i] as number;
    lines.push(`${name}_bucket{${labels},le="${bounds[i] ?? '+Inf'}"} ${below}`);
  }
  lines.push(`${name}_sum{${labels}} ${row[bounds.length + 1]}`);
  lines.push(`${name}_count{${labels}} ${below}`);
  return lines;
}
