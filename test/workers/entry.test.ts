import { env, exports } from 'cloudflare:workers';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { expect, test } from 'vitest';

/** The Worker's own entrypoint, as another Worker would call it. */
const worker = (
  exports as unknown as { default: { fetch(url: string, init?: RequestInit): Promise<Response> } }
).default;

test('a gateway that knows no chain says so', async () => {
  const answer = await worker.fetch('https://gateway.test/livez');
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ reason: 'gateway/not-configured' });
});

test('a gateway without a verified checkpoint is alive, and serves none', async () => {
  const chain = new TestChain({ time: BigInt(Date.now()) });
  Object.assign(env, {
    TRUST: formatTrust(chain.trust),
    UPSTREAMS: 'https://node.test',
    OPERATOR_TOKEN: 'of the operator',
  });
  const alive = await worker.fetch('https://gateway.test/livez');
  expect(await alive.text()).toBe('ok\n');
  const tip = await worker.fetch('https://gateway.test/checkpoint');
  expect(tip.status).toBe(503);
  expect(tip.headers.get('retry-after')).not.toBeNull();
});

test('a key works with its plan, and within a second of its revocation no more', async () => {
  const { PLANS } = env as unknown as { PLANS: KVNamespace };
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('a-key'));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
  const keyHash = hash.join('');
  const plan = { name: 'shop', cached: 600, uncached: 100, submit: 50, tokensPerDay: 1_000 };
  await PLANS.put(keyHash, JSON.stringify(plan));
  const status = async (key: string) => {
    const headers = { 'x-api-key': key };
    return (await worker.fetch('https://gateway.test/v1/evidence', { headers })).status;
  };
  const revoke = async (method: string, token: string) => {
    const target = `https://gateway.test/v1/keys/${keyHash}/revocation`;
    const headers = { authorization: `Bearer ${token}` };
    return (await worker.fetch(target, { method, headers })).status;
  };
  expect(await status('akey')).toBe(400);
  expect(await status('a-key')).toBe(200);
  expect(await revoke('PUT', 'of somebody')).toBe(404);
  expect(await status('a-key')).toBe(200);
  expect(await revoke('PUT', 'of the operator')).toBe(200);
  await expect.poll(() => status('a-key'), { timeout: 3_000 }).toBe(429);
  expect(await revoke('DELETE', 'of the operator')).toBe(200);
  await expect.poll(() => status('a-key'), { timeout: 3_000 }).toBe(200);
});
