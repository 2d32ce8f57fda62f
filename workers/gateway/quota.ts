/**
 * API keys with plans, and their exact daily quotas.
 *
 * A plan is looked up by the SHA-256 of the key, so whoever reads the table holds no key. Isolates
 * lease tokens from the one place that counts, and top their lease up once a second: a key that is
 * revoked there stops within that second, while a deleted plan is remembered for a minute.
 */

import { parseJson } from 'fanal/api/json.ts';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { LRUCache } from 'lru-cache';
import { LEASE_MILLIS, LEASE_TOKENS, MAX_API_KEY_BYTES, MAX_REMEMBERED_CLIENTS } from './limits.ts';
import type { Allowance, CostClass, Verdict } from './rate-limit.ts';

/** What a key may do. */
export interface Plan {
  readonly name: string;
  /** Requests in ten seconds, by class. */
  readonly allowance: Allowance;
  /** Tokens a UTC day; what a request costs is in `COST_TOKENS`. */
  readonly tokensPerDay: number;
}

/** Where plans are kept: KV on Cloudflare, a file when self-hosted. */
export interface PlanTable {
  get(keyHash: string): Promise<string | null>;
}

/** What the one who counts says to a lease. */
export interface Lease {
  readonly granted: number;
  /** Tokens left today, after this lease. */
  readonly remaining: number;
  /** Seconds until the quota is full again. */
  readonly resetSeconds: number;
  readonly revoked: boolean;
}

/** Leases tokens of a key (QuotaDO, or a counter in this process). */
export type LeaseTokens = (keyHash: string, tokensPerDay: number, wanted: number) => Promise<Lease>;

/** A transaction and a proof cost more than a hit. */
export const COST_TOKENS: Readonly<Record<CostClass, number>> = {
  cached: 1,
  uncached: 5,
  submit: 5,
};

const PLAN_MILLIS = 60_000;

/** Finds the plans of keys, and remembers what it found for a minute. */
export class ApiKeys {
  readonly #table: PlanTable;
  readonly #plans: LRUCache<string, { plan: Plan | null }>;

  constructor(table: PlanTable) {
    this.#table = table;
    this.#plans = new LRUCache({ max: MAX_REMEMBERED_CLIENTS, ttl: PLAN_MILLIS, ttlResolution: 0 });
  }

  /** The hash and plan of a key, or null for a key that nobody knows. */
  async find(key: string): Promise<{ keyHash: string; plan: Plan } | null> {
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_API_KEY_BYTES) return null;
    const keyHash = await hashOf(key);
    let known = this.#plans.get(keyHash);
    if (known === undefined) {
      const text = await this.#table.get(keyHash);
      known = { plan: text === null ? null : parsePlan(text) };
      this.#plans.set(keyHash, known);
    }
    return known.plan === null ? null : { keyHash, plan: known.plan };
  }
}

async function hashOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', utf8(key) as Uint8Array<ArrayBuffer>);
  return toHex(new Uint8Array(digest));
}

/** Reads `{ "name", "cached", "uncached", "submit", "tokensPerDay" }`; null for anything else. */
export function parsePlan(text: string): Plan | null {
  try {
    const value = parseJson(utf8(text)) as Record<string, unknown>;
    const { name, cached, uncached, submit, tokensPerDay } = value;
    const counts = [cached, uncached, submit, tokensPerDay];
    if (typeof name !== 'string' || !/^[a-z0-9-]{1,32}$/.test(name)) return null;
    if (!counts.every((n) => typeof n === 'number' && n >= 0)) return null;
    return {
      name,
      allowance: { cached, uncached, submit } as Allowance,
      tokensPerDay: tokensPerDay as number,
    };
  } catch {
    return null;
  }
}

/** Spends leased tokens, and leases more when they are gone. */
export class LeasedQuota {
  readonly #lease: LeaseTokens;
  readonly #now: () => number;
  readonly #held = new LRUCache<string, Held>({ max: MAX_REMEMBERED_CLIENTS });
  readonly #renewals = new Map<string, Promise<void>>();

  constructor(lease: LeaseTokens, now: () => number) {
    this.#lease = lease;
    this.#now = now;
  }

  async take(keyHash: string, plan: Plan, cost: CostClass): Promise<Verdict> {
    const tokens = COST_TOKENS[cost];
    for (;;) {
      const held = this.#held.get(keyHash);
      if (held !== undefined && this.#now() < held.until) {
        if (held.tokens >= tokens) {
          held.tokens -= tokens;
          return { allowed: true, retryAfterSeconds: 0, remaining: held.remaining + held.tokens };
        }
        if (held.empty) {
          const wait = Math.max(1, Math.min(held.resetSeconds, 86_400));
          return { allowed: false, retryAfterSeconds: wait, remaining: 0 };
        }
      }
      try {
        await this.#renew(keyHash, plan);
      } catch {
        // Whoever counts is in trouble. That is ours to mend, not the client's to suffer.
        return { allowed: true, retryAfterSeconds: 0, remaining: null };
      }
    }
  }

  /** Leases once for all who wait: what is granted is held by everyone together. */
  #renew(keyHash: string, plan: Plan): Promise<void> {
    const known = this.#renewals.get(keyHash);
    if (known !== undefined) return known;
    const renewal = this.#leaseFor(keyHash, plan).finally(() => this.#renewals.delete(keyHash));
    this.#renewals.set(keyHash, renewal);
    return renewal;
  }

  async #leaseFor(keyHash: string, plan: Plan): Promise<void> {
    const kept = this.#held.get(keyHash)?.tokens ?? 0;
    const wanted = Math.max(0, LEASE_TOKENS - kept);
    const lease = await this.#lease(keyHash, plan.tokensPerDay, wanted);
    const { remaining, resetSeconds, revoked, granted } = lease;
    // Some may have been spent while we asked.
    const left = this.#held.get(keyHash)?.tokens ?? 0;
    this.#held.set(keyHash, {
      tokens: revoked ? 0 : left + granted,
      until: this.#now() + LEASE_MILLIS,
      remaining,
      resetSeconds,
      empty: revoked || granted < wanted,
    });
  }
}

interface Held {
  tokens: number;
  until: number;
  remaining: number;
  resetSeconds: number;
  /** There is no more to be had today. */
  empty: boolean;
}

/** The count itself: one key's tokens of one UTC day. */
export interface QuotaCount {
  readonly day: number;
  readonly used: number;
  readonly revoked: boolean;
}

/** The count of a key that nobody has used yet. */
export const NOTHING_USED: QuotaCount = { day: 0, used: 0, revoked: false };

/** Grants tokens out of a day's count. Pure: whoever keeps the count writes it down. */
export function grantTokens(
  count: QuotaCount,
  tokensPerDay: number,
  wanted: number,
  nowMillis: number,
): { count: QuotaCount; lease: Lease } {
  const day = Math.floor(nowMillis / 86_400_000);
  const used = count.day === day ? count.used : 0;
  const granted = count.revoked ? 0 : Math.max(0, Math.min(wanted, tokensPerDay - used));
  const next = { day, used: used + granted, revoked: count.revoked };
  return {
    count: next,
    lease: {
      granted,
      remaining: Math.max(0, tokensPerDay - next.used),
      resetSeconds: Math.ceil(((day + 1) * 86_400_000 - nowMillis) / 1000),
      revoked: count.revoked,
    },
  };
}
