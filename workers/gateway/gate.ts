/**
 * The door: who a request comes from, and whether it may come in.
 */
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import { LRUCache } from 'lru-cache';
import type { FixedHeaders } from './answer.ts';
import { clientKey } from './client-address.ts';
import { MAX_REMEMBERED_CLIENTS } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { LimitsPort } from './ports.ts';
import type { Plan } from './quota.ts';
import { type CostClass, type Limiter, policyHeader, type Verdict } from './rate-limit.ts';

/** A client that came in. */
export interface Admission {
  /** What every answer says under the same limits. */
  readonly fixed: FixedHeaders;
  /** What is left of them, where that is a true count. */
  readonly rateLimit: string | null;
  /** Seconds until the client may ask for what is dear again; 0 while it may. */
  readonly nodesInSeconds: number;
  /** Charges what turned out to be dear, after the fact. */
  chargeNodes(): Promise<void>;
}

export class Gate {
  readonly #limits: LimitsPort;
  readonly #metrics: Metrics;
  readonly #plans = new LRUCache<string, { limiter: Limiter; fixed: FixedHeaders }>({ max: 64 });
  readonly #lead: FixedHeaders;
  readonly #anonymous: FixedHeaders;
  /** Clients that have asked for too much that is dear, until when. */
  readonly #spent = new LRUCache<string, number>({ max: MAX_REMEMBERED_CLIENTS });
  readonly #now: () => number;

  /** @param lead headers that every answer carries, limits or not */
  constructor(limits: LimitsPort, metrics: Metrics, now: () => number, lead: FixedHeaders) {
    this.#lead = lead;
    this.#limits = limits;
    this.#metrics = metrics;
    this.#now = now;
    this.#anonymous = { ...lead, 'ratelimit-policy': policyHeader('anon', limits.allowance) };
  }

  /**
   * Lets a request in, or refuses it.
   *
   * @param cost what it takes to come in; whatever has to be asked of nodes then is charged besides
   * @throws {Problem} `quota-exceeded` with the seconds to wait; `invalid-request` for a key that
   *   nobody knows
   */
  admit(
    key: string | undefined,
    address: string | null,
    cost: CostClass,
  ): Admission | Promise<Admission> {
    if (key !== undefined && this.#limits.keys !== null) return this.#admitKey(key, address, cost);
    const client = clientKey(address);
    const taken = this.#limits.anonymous.take(client, cost);
    return taken instanceof Promise
      ? taken.then((verdict) => this.#admitAnonymous(client, verdict))
      : this.#admitAnonymous(client, taken);
  }

  #admitAnonymous(client: string, verdict: Verdict): Admission {
    const { anonymous } = this.#limits;
    if (!verdict.allowed) throw this.#refusal('anon', verdict);
    const rateLimit = rateLimitHeader('anon', verdict);
    const charge = async () => anonymous.take(client, 'uncached');
    return this.#admission(client, this.#anonymous, rateLimit, charge);
  }

  async #admitKey(key: string, address: string | null, cost: CostClass): Promise<Admission> {
    const found = await this.#limits.keys?.find(key);
    if (!found) {
      // A guess costs what a look at the nodes costs.
      const verdict = await this.#limits.anonymous.take(clientKey(address), 'uncached');
      if (!verdict.allowed) throw this.#refusal('anon', verdict);
      throw invalidRequest('/header/x-api-key', 'expected a key that was issued here');
    }
    const { keyHash, plan } = found;
    const verdict = await this.#takePlan(keyHash, plan, cost);
    if (!verdict.allowed) throw this.#refusal(plan.name, verdict);
    const rateLimit = rateLimitHeader(plan.name, verdict);
    const charge = () => this.#takePlan(keyHash, plan, 'uncached');
    return this.#admission(keyHash, this.#planOf(plan).fixed, rateLimit, charge);
  }

  async #takePlan(keyHash: string, plan: Plan, cost: CostClass): Promise<Verdict> {
    const verdict = await this.#planOf(plan).limiter.take(keyHash, cost);
    if (!verdict.allowed || this.#limits.quota === null) return verdict;
    return this.#limits.quota.take(keyHash, plan, cost);
  }

  #planOf({ name, allowance }: Plan): { limiter: Limiter; fixed: FixedHeaders } {
    let known = this.#plans.get(name);
    if (known === undefined) {
      const fixed = { ...this.#lead, 'ratelimit-policy': policyHeader(name, allowance) };
      known = { limiter: this.#limits.ofPlan(name, allowance), fixed };
      this.#plans.set(name, known);
    }
    return known;
  }

  #admission(
    client: string,
    fixed: FixedHeaders,
    rateLimit: string | null,
    charge: () => Promise<Verdict>,
  ): Admission {
    const until = this.#spent.get(client) ?? 0;
    return {
      fixed,
      rateLimit,
      nodesInSeconds: Math.max(0, Math.ceil((until - this.#now()) / 1000)),
      chargeNodes: async () => {
        const verdict = await charge();
        if (verdict.allowed) return;
        this.#spent.set(client, this.#now() + verdict.retryAfterSeconds * 1000);
      },
    };
  }

  /** The refusal for a client that has used up what it may ask of nodes. */
  refuseNodes(retryAfterSeconds: number): Problem {
    this.#metrics.count('rate_limited_total', { policy: 'nodes' });
    return new Problem('quota-exceeded', { reason: 'gateway/uncached', retryAfterSeconds });
  }

  #refusal(policy: string, { retryAfterSeconds }: Verdict): Problem {
    this.#metrics.count('rate_limited_total', { policy });
    return new Problem('quota-exceeded', { retryAfterSeconds: Math.max(1, retryAfterSeconds) });
  }
}

/** The value of `RateLimit`, where the count behind it is true. */
function rateLimitHeader(policy: string, { remaining }: Verdict): string | null {
  return remaining === null ? null : `"${policy}";r=${remaining}`;
}
