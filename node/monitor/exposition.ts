/**
 * Reads the Prometheus text format: what the monitor takes from a node's ops port.
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Longest exposition that is read, and most samples kept. */
export const MAX_EXPOSITION_BYTES = 4 * 1024 * 1024;
const MAX_SAMPLES = 50_000;

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** All samples of one scrape. Lines that are not samples are passed over. */
export class Scrape {
  readonly #byName = new Map<string, Sample[]>();

  constructor(text: string) {
    let count = 0;
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#') || count >= MAX_SAMPLES) continue;
      const match = LINE.exec(line);
      if (match === null) continue;
      const [, name = '', labelText = '', value = ''] = match;
      const labels: Record<string, string> = {};
      for (const [, key = '', quoted = ''] of labelText.matchAll(LABEL)) {
        labels[key] = quoted.replace(/\\(["\\n])/g, (_, c) => (c === 'n' ? '\n' : c));
      }
      const samples = this.#byName.get(name) ?? [];
      samples.push({ name, labels, value: value === '+Inf' ? Infinity : Number(value) });
      this.#byName.set(name, samples);
      count++;
    }
  }

  /** Samples of a name, with these labels among theirs. */
  all(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
    return (this.#byName.get(name) ?? []).filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
  }

  /** The sum over all samples of a name, or null when there is none or none is known. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | null {
    const samples = this.all(name, labels);
    const sum = samples.reduce((total, { value }) => total + value, 0);
    return samples.length === 0 || Number.isNaN(sum) ? null : sum;
  }
}

/**
 * Estimates quantiles of what a histogram observed between two scrapes, as Prometheus does:
 * linearly within a bucket. Null when it observed nothing.
 */
export function quantiles(
  before: Scrape | null,
  now: Scrape,
  histogram: string,
  wanted: readonly number[],
): number[] | null {
  const earlier = new Map(
    (before?.all(`${histogram}_bucket`) ?? []).map(({ labels, value }) => [labels.le, value]),
  );
  const buckets = now
    .all(`${histogram}_bucket`)
    .map(({ labels, value }) => ({
      bound: labels.le === '+Inf' ? Infinity : Number(labels.le),
      count: value - (earlier.get(labels.le) ?? 0),
    }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  return wanted.map((share) => {
    const rank = share * total;
    const index = buckets.findIndex(({ count }) => count >= rank);
    const { bound, count } = buckets[index] as { bound: number; count: number };
    const { bound: low, count: below } = buckets[index - 1] ?? { bound: 0, count: 0 };
    if (bound === Infinity) return low;
    return count === below ? bound : low + ((bound - low) * (rank - below)) / (count - below);
  });
}
