/**
 * API keys where the gateway runs in one process: plans out of a file, and keys taken back.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startGateway } from '../../workers/selfhost/node.ts';
import type { RunningGateway } from '../../workers/selfhost/workerd.ts';
import { tellStory } from './story.ts';
import { type ListeningNode, listen, testNode } from './test-node.ts';

const KEY = 'a-key';
const KEY_HASH = createHash('sha256').update(KEY).digest('hex');
const TOKEN = 'of the operator';
const TARGET = '/v1/headers/2';

const folder = mkdtempSync(join(tmpdir(), 'fanal-keys-'));
let node: ListeningNode;
let gateway: Omit<RunningGateway, 'kill'>;

beforeAll(async () => {
  const { chain } = tellStory();
  node = await listen(testNode(chain));
  const plans = join(folder, 'plans.json');
  const plan = { name: 'shop', cached: 600, uncached: 100, submit: 50, tokensPerDay: 10_000 };
  writeFileSync(plans, JSON.stringify({ [KEY_HASH]: plan }));
  gateway = await startGateway({
    ...{ trust: formatTrust(chain.trust), upstreams: [node.url], port: 0, plans },
    settings: { OPERATOR_TOKEN: TOKEN, ALLOWANCE: '1000,1000,1000' },
  });
  await vi.waitFor(async () => expect((await ask(KEY)).status).toBe(200), 10_000);
});

afterAll(async () => {
  await gateway.stop();
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (key: string) => fetch(gateway.url + TARGET, { headers: { 'x-api-key': key } });

const revoke = (method: string, token: string, keyHash = KEY_HASH) =>
  fetch(`${gateway.url}/v1/keys/${keyHash}/revocation`, {
    ...{ method, headers: { authorization: `Bearer ${token}` } },
  });

it('a key has its own limits, and a key that nobody issued has none', async () => {
  const answer = await ask(KEY);
  expect(answer.headers.get('ratelimit-policy')).toContain('"shop";q=600');
  expect((await ask('another-key')).status).toBe(400);
});

it('a revoked key stops within a second, and works again when that is taken back', async () => {
  expect((await revoke('PUT', TOKEN)).status).toBe(200);
  await vi.waitFor(async () => expect((await ask(KEY)).status).toBe(429), 3_000);
  expect((await ask(KEY)).headers.get('retry-after')).not.toBeNull();
  expect((await revoke('DELETE', TOKEN)).status).toBe(200);
  await vi.waitFor(async () => expect((await ask(KEY)).status).toBe(200), 3_000);
});

it('nobody but the operator revokes, and only keys', async () => {
  expect((await revoke('PUT', 'a guess')).status).toBe(404);
  expect((await revoke('PUT', TOKEN, 'not-a-hash')).status).toBe(404);
  expect((await revoke('GET', TOKEN)).status).toBe(404);
  expect((await ask(KEY)).status).toBe(200);
});
