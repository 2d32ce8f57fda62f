/**
 * How the API is doing: the share of answers that were our own fault, over five minutes.
 *
 * Health routes are left out, and fewer than twenty requests say nothing (docs/operations.md).
 */

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface Health {
  readonly status: HealthStatus;
  readonly requests: number;
  readonly errorRate: number;
  readonly p95Millis: number;
}

const BUCKET_MILLIS = 10_000n;
const BUCKETS = 30n;
const MIN_REQUESTS = 20;
const DEGRADED = 0.05;
const UNHEALTHY = 0.1;
/** Answer times kept of one bucket, evenly over a busy one. */
const SAMPLES = 256;

interface Bucket {
  requests: number;
  errors: number;
  readonly millis: number[];
}

/** Counts answers in buckets of ten seconds and forgets them after five minutes. */
export class HealthWindow {
  readonly #now: () => bigint;
  readonly #buckets = new Map<bigint, Bucket>();

  constructor(now: () => bigint) {
    this.#now = now;
  }

  record(status: number, millis: number): void {
    const key = this.#now() / BUCKET_MILLIS;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { requests: 0, errors: 0, millis: [] };
      this.#buckets.set(key, bucket);
      for (const old of this.#buckets.keys()) if (old <= key - BUCKETS) this.#buckets.delete(old);
    }
    bucket.millis[bucket.requests % SAMPLES] = millis;
    bucket.requests++;
    if (status >= 500) bucket.errors++;
  }

  read(): Health {
    const oldest = this.#now() / BUCKET_MILLIS - BUCKETS;
    let requests = 0;
    let errors = 0;
    const millis: number[] = [];
    for (const [key, bucket] of this.#buckets) {
      if (key <= oldest) continue;
      requests += bucket.requests;
      errors += bucket.errors;
      millis.push(...bucket.millis);
    }
    millis.sort((a, b) => a - b);
    const errorRate = requests === 0 ? 0 : errors / requests;
    return {
      status: statusOf(requests, errorRate),
      requests,
      errorRate,
      p95Millis: millis[Math.ceil(millis.length * 0.95) - 1] ?? 0,
    };
  }
}

function statusOf(requests: number, errorRate: number): HealthStatus {
  if (requests < MIN_REQUESTS || errorRate < DEGRADED) return 'healthy';
  return errorRate <= UNHEALTHY ? 'degraded' : 'unhealthy';
}
