/**
 * Counts one API key's tokens of the day, exactly: one object a key.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { grantTokens, type Lease, NOTHING_USED, type QuotaCount } from './quota.ts';

const COUNT_KEY = 'count';

export class QuotaDO extends DurableObject<Env> {
  /** Leases tokens to an isolate. What is granted is written down before it is given. */
  async lease(tokensPerDay: number, wanted: number): Promise<Lease> {
    const { count, lease } = grantTokens(this.#count(), tokensPerDay, wanted, Date.now());
    this.ctx.storage.kv.put(COUNT_KEY, count);
    return lease;
  }

  /** Refuses the key from now on, or takes that back. */
  async setRevoked(isRevoked: boolean): Promise<void> {
    this.ctx.storage.kv.put(COUNT_KEY, { ...this.#count(), revoked: isRevoked });
  }

  #count(): QuotaCount {
    return this.ctx.storage.kv.get<QuotaCount>(COUNT_KEY) ?? NOTHING_USED;
  }
}
