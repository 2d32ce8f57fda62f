/**
 * Durations by the million, as a histogram: each is kept to one percent, so that a day's run takes
 * no more memory than a minute's, and the parts of a run can be put together.
 */
import type { Percentiles } from './report.ts';

const STEP = Math.log(1.01);
const LEAST_MILLIS = 0.1;

/** How samples are kept on disk: bucket and count, and the greatest as it was. */
export interface StoredSamples {
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
  readonly max: number;
}

export class Samples {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  add(millis: number, times = 1): void {
    const bucket = Math.round(Math.log(Math.max(millis, LEAST_MILLIS) / LEAST_MILLIS) / STEP);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + times);
    this.#count += times;
    if (millis > this.#max) this.#max = millis;
  }

  addAll({ buckets, max }: StoredSamples): void {
    for (const [bucket, count] of buckets) {
      this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + count);
      this.#count += count;
    }
    this.#max = Math.max(this.#max, max);
  }

  stored(): StoredSamples {
    return { buckets: [...this.#buckets].sort(([a], [b]) => a - b), max: this.#max };
  }

  /** In seconds; null where there is nothing. */
  percentiles(): Percentiles {
    const at = (share: number) => this.#at(Math.floor(share * this.#count));
    return {
      ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99) },
      max: this.#count === 0 ? null : Math.round(this.#max) / 1_000,
    };
  }

  #at(rank: number): number | null {
    let below = 0;
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      below += count;
      if (below > rank) {
        const millis = Math.min(this.#max, LEAST_MILLIS * Math.exp(bucket * STEP));
        return Math.round(millis) / 1_000;
      }
    }
    return null;
  }
}
