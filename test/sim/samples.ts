/**
 * Many durations, summed up as percentiles.
 *
 * A histogram with buckets of a tenth of a millisecond: a thousand validators commit a million
 * vertices a round.
 */
const BUCKET_MICROS = 100;

export class Samples {
  #buckets = new Uint32Array(1_024);
  #count = 0;
  #sum = 0;

  /** Adds a duration in microseconds. */
  add(micros: number): void {
    const bucket = Math.max(0, Math.floor(micros / BUCKET_MICROS));
    if (bucket >= this.#buckets.length) {
      const larger = new Uint32Array(Math.max(bucket + 1, this.#buckets.length * 2));
      larger.set(this.#buckets);
      this.#buckets = larger;
    }
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count++;
    this.#sum += micros;
  }

  get count(): number {
    return this.#count;
  }

  get meanMicros(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The duration, in microseconds, that `fraction` of the samples do not exceed; or undefined. */
  percentile(fraction: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = Math.max(1, Math.ceil(fraction * this.#count));
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      left -= this.#buckets[bucket] as number;
      if (left <= 0) return bucket * BUCKET_MICROS;
    }
    return undefined;
  }
}

/** Median and 99th percentile in whole milliseconds; null where nothing was measured. */
export interface Spread {
  readonly p50: number | null;
  readonly p99: number | null;
}

export const NOT_MEASURED: Spread = { p50: null, p99: null };

export function spreadOf(samples: Samples): Spread {
  return { p50: millisOf(samples.percentile(0.5)), p99: millisOf(samples.percentile(0.99)) };
}

export function millisOf(micros: number | undefined): number | null {
  return micros === undefined ? null : Math.round(micros / 1_000);
}
