/**
 * The door: who a request comes from, and whether it may come in.
 */
import { invalidRequest, Problem } from 'fanal/api/problem.ts';
import { MAX_REQUEST_HEADER_BYTES } from 'fanal/chain/limits.ts';
import { LRUCache } from 'lru-cache';
import { clientKey } from './client-address.ts';
import type { Metrics } from './metrics.ts';
import type { LimitsPort } from './ports.ts';
import type { Plan } from './quota.ts';
import { type CostClass, type Limiter, policyHeader, type Verdict } from './rate-limit.ts';

/** A client that came in. */
export interface Admission {
  /** What the answer says of the client's limits. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the client may still ask for what is dear. */
  readonly mayAskNodes: boolean;
  /** Charges what turned out to be dear, after the fact. */
  chargeNodes(): Promise<void>;
}

export class Gate {
  readonly #limits: LimitsPort;
  readonly #metrics: Metrics;
  readonly #plans = new LRUCache<string, Limiter>({ max: 64 });
  readonly #anonymousHeaders: Readonly<Record<string, string>>;
  /** Clients that have asked for too much that is dear, until when. */
  readonly #spent = new LRUCache<string, number>({ max: 10_000 });
  readonly #now: () => number;

  constructor(limits: LimitsPort, metrics: Metrics, now: () => number) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#now = now;
    this.#anonymousHeaders = { 'ratelimit-policy': policyHeader('anon', limits.allowance) };
  }

  /**
   * Lets a request in, or refuses it.
   *
   * @param cost `submit` for what is handed on to nodes, else `cached`
   * @throws {Problem} `quota-exceeded` with the seconds to wait; `invalid-request` for a key that
   *   nobody knows
   */
  async admit(key: string | null, address: string | null, cost: CostClass): Promise<Admission> {
    if (key !== null && this.#limits.keys !== null) return this.#admitKey(key, address, cost);
    const client = clientKey(address);
    const { anonymous } = this.#limits;
    const taken = anonymous.take(client, cost);
    const verdict = taken instanceof Promise ? await taken : taken;
    if (!verdict.allowed) throw this.#refusal('anon', verdict);
    const headers =
      verdict.remaining === null
        ? this.#anonymousHeaders
        : { ...this.#anonymousHeaders, ratelimit: `"anon";r=${verdict.remaining}` };
    return this.#admission(client, headers, async () => anonymous.take(client, 'uncached'));
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
    const headers = {
      'ratelimit-policy': policyHeader(plan.name, plan.allowance),
      ...(verdict.remaining === null ? {} : { ratelimit: `"${plan.name}";r=${verdict.remaining}` }),
    };
    return this.#admission(keyHash, headers, () => this.#takePlan(keyHash, plan, 'uncached'));
  }

  async #takePlan(keyHash: string, plan: Plan, cost: CostClass): Promise<Verdict> {
    let limiter = this.#plans.get(plan.name);
    if (limiter === undefined) {
      limiter = this.#limits.ofPlan(plan.name, plan.allowance);
      this.#plans.set(plan.name, limiter);
    }
    const verdict = await limiter.take(keyHash, cost);
    if (!verdict.allowed || this.#limits.quota === null) return verdict;
    return this.#limits.quota.take(keyHash, plan, cost);
  }

  #admission(
    client: string,
    headers: Readonly<Record<string, string>>,
    charge: () => Promise<Verdict>,
  ): Admission {
    const until = this.#spent.get(client) ?? 0;
    return {
      headers,
      mayAskNodes: this.#now() >= until,
      chargeNodes: async () => {
        const verdict = await charge();
        if (verdict.allowed) return;
        this.#spent.set(client, this.#now() + verdict.retryAfterSeconds * 1000);
      },
    };
  }

  /** The refusal for a client that has used up what it may ask of nodes. */
  refuseNodes(): Problem {
    this.#metrics.count('rate_limited_total', { policy: 'nodes' });
    return new Problem('quota-exceeded', { reason: 'gateway/uncached', retryAfterSeconds: 5 });
  }

  #refusal(policy: string, { retryAfterSeconds }: Verdict): Problem {
    this.#metrics.count('rate_limited_total', { policy });
    return new Problem('quota-exceeded', { retryAfterSeconds: Math.max(1, retryAfterSeconds) });
  }
}

/** @throws {Problem} `invalid-request` for more header bytes than anyone needs */
export function refuseLongHeaders(headers: Headers): void {
  let length = 0;
  for (const [name, value] of headers) length += name.length + value.length + 4;
  if (length > MAX_REQUEST_HEADER_BYTES) {
    throw invalidRequest('/header', `expected at most ${MAX_REQUEST_HEADER_BYTES} bytes`);
  }
}
