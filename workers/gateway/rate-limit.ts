/**
 * How much a client may ask for.
 *
 * A request that a cache answers is cheap and one that reaches the nodes is dear, so each has a
 * bucket of its own. Which one a request needs is known only on the way: the dear bucket is charged
 * when a cache has missed. Trouble with counting lets a request pass.
 */
import { LRUCache } from 'lru-cache';
import {
  CACHED_PER_WINDOW,
  MAX_REMEMBERED_CLIENTS,
  SUBMITTED_PER_WINDOW,
  UNCACHED_PER_WINDOW,
  WINDOW_SECONDS,
} from './limits.ts';

/** What a request costs: an answer from memory, one from the nodes, or a transaction. */
export type CostClass = 'cached' | 'uncached' | 'submit';

/** How many requests of each class fit in a window of ten seconds. */
export type Allowance = Readonly<Record<CostClass, number>>;

export interface Verdict {
  readonly allowed: boolean;
  /** Seconds until it is worth trying again; at least 1 when refused. */
  readonly retryAfterSeconds: number;
  /** What is left, where that is a true count and not one location's guess. */
  readonly remaining: number | null;
}

export interface Limiter {
  /** Takes one request of a class from the client's bucket. */
  take(client: string, cost: CostClass): Verdict | Promise<Verdict>;
}

export const ANONYMOUS_ALLOWANCE: Allowance = {
  cached: CACHED_PER_WINDOW,
  uncached: UNCACHED_PER_WINDOW,
  submit: SUBMITTED_PER_WINDOW,
};

export const PASS: Verdict = { allowed: true, retryAfterSeconds: 0, remaining: null };

/** The value of `RateLimit-Policy` for an allowance. */
export function policyHeader(name: string, allowance: Allowance): string {
  return `"${name}";q=${allowance.cached};w=${WINDOW_SECONDS}`;
}

/** By client: what is left, and when that was so. */
type Buckets = LRUCache<string, { tokens: number; at: number }>;

/**
 * Counts in this process alone: exact where there is one process, and the second line of defence
 * behind the platform's own limits elsewhere.
 *
 * Each bucket fills at its rate and holds one window's worth.
 */
export class MemoryLimiter implements Limiter {
  readonly #allowance: Allowance;
  readonly #now: () => number;
  readonly #buckets: Readonly<Record<CostClass, Buckets>> = {
    cached: new LRUCache({ max: MAX_REMEMBERED_CLIENTS }),
    uncached: new LRUCache({ max: MAX_REMEMBERED_CLIENTS }),
    submit: new LRUCache({ max: MAX_REMEMBERED_CLIENTS }),
  };

  constructor(allowance: Allowance, now: () => number) {
    this.#allowance = allowance;
    this.#now = now;
  }

  take(client: string, cost: CostClass): Verdict {
    const most = this.#allowance[cost];
    const now = this.#now();
    const buckets = this.#buckets[cost];
    let bucket = buckets.get(client);
    if (bucket === undefined) {
      bucket = { tokens: most, at: now };
      buckets.set(client, bucket);
    }
    const perMilli = most / (WINDOW_SECONDS * 1000);
    bucket.tokens = Math.min(most, bucket.tokens + Math.max(0, now - bucket.at) * perMilli);
    bucket.at = now;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return { allowed: true, retryAfterSeconds: 0, remaining: Math.floor(bucket.tokens) };
    }
    const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perMilli / 1000));
    return { allowed: false, retryAfterSeconds: seconds, remaining: 0 };
  }
}

/** Cloudflare's rate limiting binding: counts by location, answers yes or no. */
export interface RateBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

export class BindingLimiter implements Limiter {
  readonly #bindings: Readonly<Record<CostClass, RateBinding>>;

  constructor(bindings: Readonly<Record<CostClass, RateBinding>>) {
    this.#bindings = bindings;
  }

  async take(client: string, cost: CostClass): Promise<Verdict> {
    try {
      const { success } = await this.#bindings[cost].limit({ key: `${cost} ${client}` });
      return success
        ? PASS
        : { allowed: false, retryAfterSeconds: WINDOW_SECONDS, remaining: null };
    } catch {
      return PASS;
    }
  }
}

/** Remembers who has run out, so that a flood costs one look at a map and no call. */
export class RememberingLimiter implements Limiter {
  readonly #inner: Limiter;
  readonly #now: () => number;
  readonly #spent = new LRUCache<string, number>({ max: MAX_REMEMBERED_CLIENTS });

  constructor(inner: Limiter, now: () => number) {
    this.#inner = inner;
    this.#now = now;
  }

  take(client: string, cost: CostClass): Verdict | Promise<Verdict> {
    const refusal = this.refusal(client, cost);
    return refusal ?? this.#ask(client, cost);
  }

  /** The refusal that still stands, without taking anything. */
  refusal(client: string, cost: CostClass): Verdict | null {
    const until = this.#spent.get(`${cost} ${client}`);
    if (until === undefined) return null;
    const wait = until - this.#now();
    if (wait <= 0) return null;
    return { allowed: false, retryAfterSeconds: Math.ceil(wait / 1000), remaining: 0 };
  }

  async #ask(client: string, cost: CostClass): Promise<Verdict> {
    const verdict = await this.#inner.take(client, cost);
    if (!verdict.allowed) {
      this.#spent.set(`${cost} ${client}`, this.#now() + verdict.retryAfterSeconds * 1000);
    }
    return verdict;
  }
}
