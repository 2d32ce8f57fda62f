import { env, exports } from 'cloudflare:workers';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { expect, test } from 'vitest';

/** The Worker's own entrypoint, as another Worker would call it. */
const worker = (exports as unknown as { default: { fetch(url: string): Promise<Response> } })
  .default;

test('a gateway that knows no chain says so', async () => {
  const answer = await worker.fetch('https://gateway.test/livez');
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ reason: 'gateway/not-configured' });
});

test('a gateway without a verified checkpoint is alive, and serves none', async () => {
  const chain = new TestChain({ time: BigInt(Date.now()) });
  Object.assign(env, { TRUST: formatTrust(chain.trust), UPSTREAMS: 'https://node.test' });
  const alive = await worker.fetch('https://gateway.test/livez');
  expect(await alive.text()).toBe('ok\n');
  const tip = await worker.fetch('https://gateway.test/checkpoint');
  expect(tip.status).toBe(503);
  expect(tip.headers.get('retry-after')).not.toBeNull();
});
