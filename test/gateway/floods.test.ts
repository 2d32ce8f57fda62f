/**
 * A crowd at the door of a real workerd: one client floods tenfold, others notice nothing, and a
 * wallet that is told to wait waits.
 */
import { formatTrust } from 'fanal/light/trust-file.ts';
import { createClient, http } from 'fanal/wallet';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type RunningGateway, startGateway } from '../../workers/selfhost/workerd.ts';
import { getRequest, HttpLoad } from '../support/http-load.ts';
import { type Story, tellStory } from './story.ts';
import { type ListeningNode, listen, testNode } from './test-node.ts';

/** Requests in ten seconds. */
const CACHED = 60;
const TENFOLD = 10 * CACHED;

let story: Story;
let node: ListeningNode;
let gateway: RunningGateway;
let target: string;

beforeAll(async () => {
  story = tellStory();
  node = await listen(testNode(story.chain));
  gateway = await startGateway({
    trust: formatTrust(story.chain.trust),
    upstreams: [node.url],
    port: 0,
    settings: { ALLOWANCE: `${CACHED},10,20`, CLIENT_HEADER: 'x-test-client' },
  });
  await vi.waitFor(async () => expect((await get('/checkpoint', 'warm')).status).toBe(200), 20_000);
  target = `/v1/addresses/${story.alice.text}?at=${story.chain.size}`;
  expect((await get(target, '192.0.2.1')).status).toBe(200);
});

afterAll(async () => {
  await gateway.stop();
  await node.close();
});

async function get(path: string, client: string, headers: Record<string, string> = {}) {
  const response = await fetch(gateway.url + path, {
    headers: { 'x-test-client': client, ...headers },
  });
  await response.arrayBuffer();
  return response;
}

it('a client that floods tenfold leaves the cached requests of another alone', async () => {
  let isOver = false;
  const flood = Promise.all(
    Array.from({ length: 20 }, async () => {
      const answers: Response[] = [];
      for (let i = 0; i < TENFOLD / 20; i++) answers.push(await get(target, '203.0.113.9'));
      return answers;
    }),
  ).finally(() => {
    isOver = true;
  });
  const others: number[] = [];
  while (!isOver && others.length < CACHED - 5) {
    others.push((await get(target, '198.51.100.7')).status);
  }
  const answers = (await flood).flat();
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(TENFOLD / 2);
  for (const response of refused) {
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
  expect(others.length).toBeGreaterThan(5);
  expect(others.filter((status) => status === 200).length / others.length).toBeGreaterThanOrEqual(
    0.99,
  );
});

it('addresses of one /64 and forged headers gain nothing', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 3 * CACHED }, (_, i) =>
      get(target, `2001:db8:7:7:${i.toString(16)}::1`, {
        'x-forwarded-for': `10.1.${i}.1`,
        forwarded: `for=10.2.${i}.1`,
        'true-client-ip': `10.3.${i}.1`,
        'cf-connecting-ip': `10.4.${i}.1`,
      }).then(({ status }) => status),
    ),
  );
  const passed = statuses.filter((status) => status === 200).length;
  expect(passed).toBeGreaterThanOrEqual(CACHED);
  // The bucket fills while they come.
  expect(passed).toBeLessThan(2 * CACHED);
  expect((await get(target, '2001:db8:7:8::1')).status).toBe(200);
});

it('a path on the wire is taken as it stands: nothing is resolved, decoded or mended', async () => {
  const load = await HttpLoad.open(gateway.url, 1);
  const path = '/v1/headers/2';
  const asked = (odd: string, expected: number[], headers: Record<string, string> = {}) =>
    load.burst(() => getRequest(odd, { 'x-test-client': '192.0.2.50', ...headers }), 1, expected);
  await asked(path, [200]);
  for (const odd of [
    `${path}/`,
    '/v1//headers/2',
    '//v1/headers/2',
    '/./v1/headers/2',
    '/v1/x/../headers/2',
    '/v1/%2e%2e/v1/headers/2',
    '/v1/headers/%32',
    '/v1/headers/2;x',
    '/v1/headers/2%00',
    '/V1/headers/2',
    '/v1\\headers\\2',
    `${path}?cb=1`,
    `${path}?at=5&at=5`,
  ]) {
    await asked(odd, [400, 404]);
  }
  // A whole URL on the request line, and hosts that are not ours, lead nowhere else.
  await asked(path, [200], { host: 'evil.example' });
  for (const [name, value] of Object.entries({
    'x-forwarded-host': 'evil.example',
    'x-original-url': '/v1/mempool',
    'x-rewrite-url': '/v1/mempool',
    'x-http-method-override': 'DELETE',
    range: 'bytes=0-1',
  })) {
    await asked(path, [200], { [name]: value });
  }
  load.close();
});

it('a wallet waits as long as it was told, for a 429 and for a 503, and then has its answer', async () => {
  // Without what it reports of itself, a node is of no use for `/v1/fees`.
  node.lie((answer, { name }) => {
    if (name === 'fees') throw new TypeError('gone');
    return answer;
  });
  for (const [status, path] of [
    [429, target],
    [503, '/v1/fees'],
  ] as const) {
    /** The gateway's own refusal, however long that takes. */
    const refusal = async () => {
      for (;;) {
        const client = status === 429 ? '203.0.113.99' : '203.0.113.98';
        const response = await fetch(gateway.url + path, { headers: { 'x-test-client': client } });
        if (response.status === status) return response;
        await response.arrayBuffer();
      }
    };
    const waits: number[] = [];
    let refusals = 1;
    const transport = http(gateway.url, {
      platform: {
        fetch: (url, init) =>
          (refusals-- > 0
            ? refusal()
            : fetch(url, {
                method: init.method,
                headers: { ...init.headers, 'x-test-client': `198.51.100.${status % 256}` },
              })) as never,
        sleep: (millis, signal) => {
          waits.push(millis);
          return new Promise((done, fail) => {
            setTimeout(done, millis);
            signal?.addEventListener('abort', () => fail(new Error('aborted')));
          });
        },
      },
    });
    const client = createClient({ chain: { trust: story.chain.trust }, transport });
    expect((await client.sync()).size).toBe(story.chain.size);
    // The other sleeps are the timeouts of requests.
    expect(waits.filter((millis) => millis < 10_000)).toEqual([1_000]);
  }
  node.lie(null);
});
