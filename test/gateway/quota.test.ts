/**
 * API keys: what a plan allows, counted exactly however many ask at once; and how a gateway says
 * how it is doing.
 */
import { describe, expect, it } from 'vitest';
import { HealthWindow } from '../../workers/gateway/health.ts';
import {
  ApiKeys,
  grantTokens,
  LeasedQuota,
  type Plan,
  parsePlan,
  type QuotaCount,
} from '../../workers/gateway/quota.ts';
import { openMemoryGateway } from './memory-gateway.ts';
import { tellStory } from './story.ts';
import { testNode } from './test-node.ts';

const PLAN: Plan = {
  name: 'shop',
  allowance: { cached: 1_000, uncached: 1_000, submit: 1_000 },
  tokensPerDay: 120,
};

/** The one that counts, as the object of a key does. */
function counter(revoked = false) {
  let count: QuotaCount = { day: 0, used: 0, revoked };
  let leases = 0;
  return {
    get used() {
      return count.used;
    },
    get leases() {
      return leases;
    },
    revoke() {
      count = { ...count, revoked: true };
    },
    lease: async (_: string, tokensPerDay: number, wanted: number) => {
      leases++;
      const granted = grantTokens(count, tokensPerDay, wanted, Date.UTC(2026, 0, 2, 23, 59));
      count = granted.count;
      await new Promise((done) => setTimeout(done, 1));
      return granted.lease;
    },
  };
}

describe('quotas', () => {
  it('a crowd under one key gets exactly what its plan has, in few leases', async () => {
    const day = counter();
    const quota = new LeasedQuota(day.lease, () => 0);
    const verdicts = await Promise.all(
      Array.from({ length: 500 }, () => quota.take('key', PLAN, 'cached')),
    );
    const allowed = verdicts.filter((verdict) => verdict.allowed);
    expect(allowed).toHaveLength(PLAN.tokensPerDay);
    expect(day.used).toBe(PLAN.tokensPerDay);
    expect(day.leases).toBeLessThan(6);
    for (const verdict of verdicts.filter((one) => !one.allowed)) {
      expect(verdict.retryAfterSeconds).toBe(60);
    }
  });

  it('what costs more takes more', async () => {
    const quota = new LeasedQuota(counter().lease, () => 0);
    let passed = 0;
    while ((await quota.take('key', PLAN, 'submit')).allowed) passed++;
    expect(passed).toBe(24);
  });

  it('a revoked key stops within a second', async () => {
    let now = 0;
    const day = counter();
    const quota = new LeasedQuota(day.lease, () => now);
    expect((await quota.take('key', PLAN, 'cached')).allowed).toBe(true);
    day.revoke();
    now = 1_000;
    expect((await quota.take('key', PLAN, 'cached')).allowed).toBe(false);
  });

  it('trouble with counting lets a request pass', async () => {
    const quota = new LeasedQuota(
      () => Promise.reject(new Error('overloaded')),
      () => 0,
    );
    expect((await quota.take('key', PLAN, 'cached')).allowed).toBe(true);
  });

  it('a key is found by its hash alone, and what is no plan is none', async () => {
    const asked: string[] = [];
    const keys = new ApiKeys({
      get: async (hash) => {
        asked.push(hash);
        return JSON.stringify({ name: 'shop', cached: 1, uncached: 1, submit: 1, tokensPerDay: 9 });
      },
    });
    const found = await keys.find('correct-horse');
    expect(found?.plan).toMatchObject({ name: 'shop', tokensPerDay: 9 });
    await keys.find('correct-horse');
    expect(asked).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    for (const odd of ['', 'a b', 'x'.repeat(200), 'caf\u00e9']) {
      expect(await keys.find(odd)).toBeNull();
    }
    for (const text of ['', '[]', '{"name":"a b"}', '{"name":"a","cached":-1}']) {
      expect(parsePlan(text)).toBeNull();
    }
  });
});

describe('health', () => {
  it('is good below five failures of a hundred, and bad above ten', () => {
    const statusAt = (errors: number, requests = 200) => {
      const window = new HealthWindow();
      for (let i = 0; i < requests; i++) window.record(0, i < errors, 3);
      return window.read(0).status;
    };
    expect([0, 9, 10, 20, 21, 200].map((errors) => statusAt(errors))).toEqual([
      'healthy',
      'healthy',
      'degraded',
      'degraded',
      'unhealthy',
      'unhealthy',
    ]);
    // Too few to say anything.
    expect(statusAt(19, 19)).toBe('healthy');
  });

  it('shows at /status what the answers were, and forgets after five minutes', async () => {
    const { chain } = tellStory();
    const node = testNode(chain);
    let ahead = 0;
    const now = () => Date.now() + ahead;
    const nodes = { node: node.fetch };
    const gateway = openMemoryGateway({ anchor: chain.trust, nodes, now, timeoutMillis: 50 });
    await gateway.step();
    const statusNow = async () => {
      const response = await gateway.get('/status');
      return [response.status, ((await response.json()) as { status: string }).status];
    };
    for (let i = 0; i < 30; i++) await gateway.get('/v1/headers/2');
    expect(await statusNow()).toEqual([200, 'healthy']);
    node.lie(() => {
      throw new TypeError('gone');
    });
    for (let i = 0; i < 6; i++) expect((await gateway.get('/v1/fees')).status).toBe(503);
    ahead = 6_000;
    await gateway.get('/v1/headers/2');
    expect(await statusNow()).toEqual([503, 'unhealthy']);
    ahead = 320_000;
    chain.addBlock({ time: BigInt(now()) });
    expect((await statusNow())[1]).toBe('healthy');
  });
});
