/**
 * How the gateway is doing, by the share of answers that were our own fault.
 *
 * The window is five minutes in buckets of ten seconds; health routes are left out, and fewer than
 * twenty requests say nothing.
 */
import {
  DEGRADED_ERROR_RATE,
  HEALTH_BUCKET_MILLIS,
  HEALTH_MIN_REQUESTS,
  HEALTH_WINDOW_MILLIS,
  UNHEALTHY_ERROR_RATE,
} from './limits.ts';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** What a window of requests looked like. */
export interface Health {
  readonly status: HealthStatus;
  readonly requests: number;
  readonly errors: number;
  readonly errorRate: number;
  /** Milliseconds that 95 of 100 answers stayed under, to the next bound of the buckets. */
  readonly p95Millis: number;
}

/** Counts of one ten-second bucket: requests, errors, then answers by how long they took. */
export interface HealthBucket {
  readonly at: number;
  readonly requests: number;
  readonly errors: number;
  readonly latency: readonly number[];
}

const LATENCY_BOUNDS_MILLIS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000];

interface Counts {
  requests: number;
  errors: number;
  latency: number[];
}

const BUCKETS = HEALTH_WINDOW_MILLIS / HEALTH_BUCKET_MILLIS;

export class HealthWindow {
  readonly #buckets = new Map<number, Counts>();

  /** Counts one answer. */
  record(now: number, failed: boolean, millis: number): void {
    const counts = this.#bucket(Math.floor(now / HEALTH_BUCKET_MILLIS));
    counts.requests++;
    if (failed) counts.errors++;
    let slot = 0;
    while (
      slot < LATENCY_BOUNDS_MILLIS.length &&
      millis > (LATENCY_BOUNDS_MILLIS[slot] as number)
    ) {
      slot++;
    }
    counts.latency[slot] = (counts.latency[slot] as number) + 1;
  }

  /** Takes everything out, to be merged into another window. */
  drain(): HealthBucket[] {
    const buckets = [...this.#buckets].map(([at, counts]) => ({ at, ...counts }));
    this.#buckets.clear();
    return buckets;
  }

  merge(buckets: readonly HealthBucket[]): void {
    for (const bucket of buckets.slice(-BUCKETS)) {
      const counts = this.#bucket(bucket.at);
      counts.requests += bucket.requests;
      counts.errors += bucket.errors;
      counts.latency = counts.latency.map((n, i) => n + (bucket.latency[i] ?? 0));
    }
  }

  read(now: number): Health {
    const oldest = Math.floor(now / HEALTH_BUCKET_MILLIS) - BUCKETS;
    let requests = 0;
    let errors = 0;
    const latency = new Array<number>(LATENCY_BOUNDS_MILLIS.length + 1).fill(0);
    for (const [at, counts] of this.#buckets) {
      if (at <= oldest) continue;
      requests += counts.requests;
      errors += counts.errors;
      for (const [i, n] of counts.latency.entries()) latency[i] = (latency[i] as number) + n;
    }
    const errorRate = requests === 0 ? 0 : errors / requests;
    return {
      status: statusOf(requests, errorRate),
      requests,
      errors,
      errorRate,
      p95Millis: percentile95(latency, requests),
    };
  }

  #bucket(at: number): Counts {
    let counts = this.#buckets.get(at);
    if (counts === undefined) {
      counts = {
        requests: 0,
        errors: 0,
        latency: new Array<number>(LATENCY_BOUNDS_MILLIS.length + 1).fill(0),
      };
      this.#buckets.set(at, counts);
      for (const old of this.#buckets.keys()) if (old <= at - BUCKETS) this.#buckets.delete(old);
    }
    return counts;
  }
}

function statusOf(requests: number, errorRate: number): HealthStatus {
  if (requests < HEALTH_MIN_REQUESTS || errorRate < DEGRADED_ERROR_RATE) return 'healthy';
  return errorRate <= UNHEALTHY_ERROR_RATE ? 'degraded' : 'unhealthy';
}

function percentile95(latency: readonly number[], requests: number): number {
  let seen = 0;
  for (const [i, n] of latency.entries()) {
    seen += n;
    if (seen >= requests * 0.95)
      return LATENCY_BOUNDS_MILLIS[i] ?? (LATENCY_BOUNDS_MILLIS.at(-1) as number);
  }
  return 0;
}
