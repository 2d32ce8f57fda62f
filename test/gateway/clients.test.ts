/**
 * What clients may try: odd spellings, odd headers, crowds and floods. The bytes that come out
 * depend on the normalised route alone, and one client's appetite is not another's hunger.
 */
import { MAX_URL_BYTES } from 'fanal/chain/limits.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { clientKey } from '../../workers/gateway/client-address.ts';
import { type MemoryGateway, openMemoryGateway } from './memory-gateway.ts';
import { addBlockNow, type Story, tellStory } from './story.ts';
import { type TestNode, testNode } from './test-node.ts';

let story: Story;
let node: TestNode;

beforeAll(() => {
  story = tellStory();
});

async function open(
  options: Partial<Parameters<typeof openMemoryGateway>[0]> = {},
): Promise<MemoryGateway> {
  node = testNode(story.chain);
  const gateway = openMemoryGateway({
    anchor: story.chain.trust,
    nodes: { node: node.fetch },
    ...options,
  });
  await gateway.step();
  return gateway;
}

describe('spellings', () => {
  it('one resource has one path: everything else is refused, and nothing is resolved', async () => {
    const gateway = await open();
    const target = `/v1/headers/2`;
    for (const odd of [
      '/v1/headers/2/',
      '/v1//headers/2',
      '/v1/headers/2.css',
      '/v1/headers/02',
      '/v1/headers/2;x',
      '/v1/headers/%32',
      '/v1/%68eaders/2',
      '/v1/headers/../headers/2',
      '/v1/headers/%2e%2e/headers/2',
      '/V1/headers/2',
      '/v1/Headers/2',
      '/v1/headers/2/5.css',
      '/v1/headers/-1',
      '/v1/headers/1e0',
      '/v1/headers/99999999999999999',
      '/v1/headers/2%00',
      '/v1/headers/2%0d%0aset-cookie:x=1',
      '//v1/headers/2',
      '/./v1/headers/2',
      '/x/v1/headers/2',
    ]) {
      const response = await gateway.get(odd);
      expect([400, 404], odd).toContain(response.status);
      expect(await response.text(), odd).not.toContain('set-cookie');
      expect(response.headers.has('set-cookie')).toBe(false);
    }
    expect((await gateway.get(target)).status).toBe(200);
  });

  it('unknown, repeated and empty query keys are refused; order changes nothing', async () => {
    const gateway = await open();
    const { alice } = story;
    const path = `/v1/addresses/${alice.text}/history`;
    for (const query of [
      'cb=1',
      'at=5&at=5',
      'at=',
      'at=05',
      'at=+5',
      '__proto__=1',
      'at=5&',
      '=',
    ]) {
      expect((await gateway.get(`${path}?${query}`)).status, query).toBe(400);
    }
    const one = await gateway.get(`${path}?at=7&from=0&limit=2`);
    const asked = node.asked.length;
    const two = await gateway.get(`${path}?limit=2&from=0&at=7`);
    expect(await two.text()).toBe(await one.text());
    expect(node.asked.length).toBe(asked);
  });

  it('formats, sizes, people and heights never share an answer', async () => {
    const gateway = await open();
    const { alice, bob } = story;
    const bodies = new Set<string>();
    const targets = [alice, bob].flatMap(({ text }) =>
      [5, 7, 12].flatMap((at) => [
        `/v1/addresses/${text}?at=${at}`,
        `/v1/addresses/${text}?at=${at}&format=bytes`,
      ]),
    );
    for (let round = 0; round < 2; round++) {
      for (const target of targets) {
        bodies.add(
          `${target} ${Buffer.from(await (await gateway.get(target)).arrayBuffer()).toString('hex')}`,
        );
      }
    }
    expect(bodies.size).toBe(targets.length);
    expect(new Set([...bodies].map((line) => line.split(' ')[1])).size).toBe(targets.length);
  });

  it('no header changes what anybody gets', async () => {
    const targets = ['/v1/headers/2', '/checkpoint', '/v1/chain'];
    const plain = await open();
    const seen = new Map<string, string>();
    for (const target of targets) seen.set(target, await (await plain.get(target)).text());
    const odd: Record<string, string> = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      'x-original-url': '/v1/mempool',
      'x-rewrite-url': '/v1/mempool',
      'x-http-method-override': 'DELETE',
      'x-method-override': 'POST',
      forwarded: 'for=1.2.3.4;host=evil.example',
      accept: 'text/html',
      'accept-language': 'xx',
      'accept-encoding': 'br',
      range: 'bytes=0-3',
      origin: 'https://evil.example',
      cookie: 'session=1',
      authorization: 'Bearer x',
      'cf-connecting-ip': '9.9.9.9',
      'x-fanal-subscription': '{"client":"x"}',
      pragma: 'no-cache',
      'cache-control': 'no-cache',
      'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT',
    };
    const poisoned = await open();
    for (const target of targets) {
      for (const [name, value] of Object.entries(odd)) {
        const response = await poisoned.get(target, { headers: { [name]: value } });
        expect(`${name} ${response.status}`).toBe(`${name} 200`);
        const body = await response.text();
        expect(body).not.toContain('evil');
        for (const [, given] of response.headers) expect(given).not.toContain('evil');
      }
      // Whoever comes next gets what a clean gateway gives.
      const clean = await (await poisoned.get(target)).text();
      if (target === '/v1/chain') continue;
      expect(clean).toBe(seen.get(target));
    }
  });

  it('requests beyond their limits are refused before anything is done', async () => {
    const gateway = await open();
    const long = await gateway.get(`/v1/headers?from=${'1'.repeat(MAX_URL_BYTES)}`);
    expect(long.status).toBe(413);
    const wide = await gateway.get('/v1/chain', { headers: { 'x-padding': 'x'.repeat(9_000) } });
    expect(wide.status).toBe(400);
    const post = (body: BodyInit, headers: Record<string, string> = {}) =>
      gateway.get('/v1/transactions', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/octet-stream', ...headers },
      });
    expect((await post(new Uint8Array(65_537))).status).toBe(413);
    expect((await post(new Uint8Array(10), { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(400);
    // A stream without a declared length is counted as it comes.
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
    });
    const request = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    const streamed = await gateway.get('/v1/transactions', request);
    expect(streamed.status).toBe(413);
    expect(node.asked.filter((target) => target.includes('transactions'))).toEqual([]);
  });
});

describe('crowds', () => {
  it('a thousand equal misses make one call to a node', async () => {
    const gateway = await open();
    const { alice, chain, txids } = story;
    for (const target of [
      `/v1/addresses/${alice.text}?at=${chain.size}`,
      `/v1/transactions/${txids[0]}/proof`,
      '/v1/blocks/1',
      '/v1/fees',
    ]) {
      node.asked.length = 0;
      const responses = await Promise.all(Array.from({ length: 1_000 }, () => gateway.get(target)));
      const bodies = new Set(await Promise.all(responses.map((response) => response.text())));
      expect(responses.every(({ status }) => status === 200)).toBe(true);
      expect(bodies.size).toBe(1);
      expect(node.asked.filter((asked) => !asked.startsWith('/tile'))).toHaveLength(1);
    }
  });

  it('that there is no such thing is asked once, and believed for two seconds', async () => {
    let ahead = 0;
    const gateway = await open({ now: () => Date.now() + ahead });
    const height = story.chain.size;
    const target = `/v1/blocks/${height}`;
    expect((await gateway.get(target)).status).toBe(404);
    addBlockNow(story.chain);
    await gateway.step();
    ahead = 2_100;
    const found = await gateway.get(target);
    expect([found.status, found.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
    node.asked.length = 0;
    const missing = `/v1/transactions/${'cd'.repeat(32)}`;
    for (let i = 0; i < 5; i++) expect((await gateway.get(missing)).status).toBe(404);
    expect(node.asked).toHaveLength(1);
  });

  it('answers at the tip follow it at once', async () => {
    let ahead = 0;
    const gateway = await open({ now: () => Date.now() + ahead });
    const before = (await (await gateway.get('/v1/chain')).json()) as { tip: { size: string } };
    addBlockNow(story.chain);
    await gateway.step();
    ahead = 300;
    const after = (await (await gateway.get('/v1/chain')).json()) as { tip: { size: string } };
    expect(BigInt(after.tip.size)).toBe(BigInt(before.tip.size) + 1n);
  });
});

describe('floods', () => {
  const allowance = { cached: 60, uncached: 10, submit: 5 };

  it('a client that asks ten times too much is told to wait, and nobody else notices', async () => {
    const gateway = await open({ allowance });
    const target = '/v1/headers/2';
    await gateway.get(target, { client: '198.51.100.7' });
    const flood = await Promise.all(
      Array.from({ length: 600 }, () => gateway.get(target, { client: '203.0.113.9' })),
    );
    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(500);
    for (const response of refused) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
    const others = await Promise.all(
      Array.from({ length: 50 }, () => gateway.get(target, { client: '198.51.100.7' })),
    );
    expect(others.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(others[0]?.headers.get('ratelimit-policy')).toBe('"anon";q=60;w=10');
    expect(others[0]?.headers.get('ratelimit')).toMatch(/^"anon";r=\d+$/);
  });

  it('what costs a look at the nodes has a smaller bucket; what is in memory stays open', async () => {
    const gateway = await open({ allowance });
    const client = '203.0.113.10';
    await gateway.get('/v1/headers/2', { client });
    let refusedAt = -1;
    for (let i = 0; i < 30 && refusedAt < 0; i++) {
      const id = i.toString(16).padStart(2, '0').repeat(32);
      const { status, headers } = await gateway.get(`/v1/transactions/${id}`, { client });
      if (status !== 429) continue;
      refusedAt = i;
      // By then there is one more look to be had.
      expect(headers.get('retry-after')).toBe('1');
    }
    expect(refusedAt).toBeGreaterThanOrEqual(10);
    expect(refusedAt).toBeLessThanOrEqual(12);
    expect((await gateway.get('/v1/headers/2', { client })).status).toBe(200);
    expect((await gateway.get('/v1/blocks/1', { client: '203.0.113.11' })).status).toBe(200);
  });

  it('asking where a transaction stands is a look at the nodes', async () => {
    const gateway = await open({ allowance });
    const target = `/v1/transactions/${story.txids[0]}/status`;
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      statuses.push((await gateway.get(target, { client: '203.0.113.13' })).status);
    }
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses.at(-1)).toBe(429);
  });

  it('reading many records by POST takes nothing of what may be submitted', async () => {
    const gateway = await open({ allowance: { ...allowance, submit: 1 } });
    const client = '203.0.113.12';
    const at = String(story.chain.size);
    const body = JSON.stringify({ addresses: [story.alice.text], at });
    for (let i = 0; i < 5; i++) {
      const answer = await gateway.get('/v1/addresses/query', { method: 'POST', body, client });
      expect(answer.status).toBe(200);
    }
    const submit = () => gateway.get('/v1/transactions', { method: 'POST', body: 'x', client });
    expect((await submit()).status).toBe(400);
    expect((await submit()).status).toBe(429);
  });

  it('a household is one client, however many addresses it has, and no header says otherwise', async () => {
    const gateway = await open({ allowance });
    let passed = 0;
    for (let i = 0; i < 300; i++) {
      const { status } = await gateway.get('/v1/headers/2', {
        client: `2001:db8:1:2:${i.toString(16)}::${(i * 7).toString(16)}`,
        headers: { 'x-forwarded-for': `10.0.0.${i % 256}`, forwarded: `for=10.0.1.${i % 256}` },
      });
      if (status === 200) passed++;
    }
    expect(passed).toBeLessThanOrEqual(allowance.cached + 2);
    expect((await gateway.get('/v1/headers/2', { client: '2001:db8:1:3::1' })).status).toBe(200);
  });

  it('knows an address in every spelling', () => {
    expect(clientKey('192.0.2.1')).toBe('192.0.2.1');
    expect(clientKey('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(clientKey('::ffff:c000:201')).toBe('192.0.2.1');
    expect(clientKey('2001:db8:0:0:1:2:3:4')).toBe(clientKey('2001:DB8::9'));
    expect(clientKey('2001:db8:0:1::1')).not.toBe(clientKey('2001:db8::1'));
    for (const odd of [null, '', 'localhost', '1.2.3', '1.2.3.256', '01.2.3.4', ':::', '1::2::3']) {
      expect(clientKey(odd)).toBe('unknown');
    }
  });
});
