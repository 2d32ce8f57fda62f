import { env, exports } from 'cloudflare:workers';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { TestChain } from 'fanal/testing/chain.ts';
import { expect, test } from 'vitest';

test('a gateway that knows no chain says so', async () => {
  const answer = await exports.default.fetch('https://gateway.test/livez');
  expect(answer.status).toBe(500);
  expect(await answer.json()).toMatchObject({ reason: 'gateway/not-configured' });
});

test('the worker answers', async () => {
  const chain = new TestChain({ time: BigInt(Date.now()) });
  Object.assign(env, { TRUST: formatTrust(chain.trust), UPSTREAMS: 'https://node.test' });
  const answer = await exports.default.fetch('https://gateway.test/livez');
  expect(await answer.text()).toBe('ok\n');
  const tip = await exports.default.fetch('https://gateway.test/checkpoint');
  console.log(await tip.text());
});
