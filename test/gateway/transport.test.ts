/**
 * Nodes that answer badly rather than falsely: too slowly, too much, cut off, not at all. Asked
 * over real sockets, by Node's fetch and by workerd's.
 */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleWorker } from '../../workers/selfhost/bundle.ts';
import { type RunningGateway, startGateway } from '../../workers/selfhost/workerd.ts';
import { openMemoryGateway } from './memory-gateway.ts';
import { type Story, tellStory } from './story.ts';
import { type ListeningNode, listen, testNode } from './test-node.ts';

let story: Story;
let bundle: string;
const open: (ListeningNode | { close(): Promise<void> })[] = [];

beforeAll(async () => {
  story = tellStory();
  bundle = await bundleWorker();
});

afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
});

const OCTETS = { 'content-type': 'application/octet-stream' };

/** Ways to treat a question, once the tip has been shown honestly. */
const MANNERS: Record<string, (response: ServerResponse) => void> = {
  'never answers': () => {},
  'hangs after the headers': (response) => {
    response.writeHead(200, OCTETS);
    response.flushHeaders();
  },
  'drips a byte at a time': (response) => {
    response.writeHead(200, OCTETS);
    const dripping = setInterval(() => response.write('x'), 100);
    response.on('close', () => clearInterval(dripping));
  },
  'breaks off in the middle': (response) => {
    response.writeHead(200, { ...OCTETS, 'content-length': '5000' });
    response.write('x'.repeat(100));
    setTimeout(() => response.destroy(), 20);
  },
  'breaks off before the headers': (response) => {
    response.destroy();
  },
  'promises more than it sends': (response) => {
    response.writeHead(200, { ...OCTETS, 'content-length': '500' });
    response.end('x');
  },
  'never stops': (response) => {
    response.writeHead(200, OCTETS);
    const chunk = Buffer.alloc(262_144);
    const pour = () => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
  },
  'promises ten gigabytes': (response) => {
    response.writeHead(200, { ...OCTETS, 'content-length': '10000000000' });
    response.write(Buffer.alloc(1_000_000));
  },
  'sends a gzip bomb': (response) => {
    const bomb = gzipSync(Buffer.alloc(200_000_000), { level: 1 });
    response.writeHead(200, { ...OCTETS, 'content-encoding': 'gzip' });
    response.end(bomb);
  },
};

/** A node that is honest about the tip and has these manners for all else. */
async function illMannered(manner: (response: ServerResponse) => void): Promise<ListeningNode> {
  const node = await listen(testNode(story.chain), (request, response) => {
    const target = request.url ?? '';
    if (/^\/(?:v1\/update|checkpoint|tile|livez)/.test(target)) return false;
    manner(response);
    return true;
  });
  open.push(node);
  return node;
}

describe('asked by Node', () => {
  for (const [name, manner] of Object.entries(MANNERS)) {
    it(`a node that ${name} costs bounded time, and an honest one beside it answers`, async () => {
      const bad = await illMannered(manner);
      const far = (url: string, init: RequestInit) =>
        fetch(url.replace(/^http:\/\/[a-z]+/, bad.url), init);
      const nodes = { bad: far, honest: testNode(story.chain).fetch };
      const { alice, chain } = story;
      const target = `/v1/addresses/${alice.text}?at=${chain.size}`;
      const [alone, among] = [{ bad: far }, nodes].map((some) =>
        openMemoryGateway({ anchor: chain.trust, nodes: some, timeoutMillis: 300 }),
      ) as [ReturnType<typeof openMemoryGateway>, ReturnType<typeof openMemoryGateway>];
      await Promise.all([alone.step(), among.step()]);
      const began = performance.now();
      const [refused, answered] = await Promise.all([alone.get(target), among.get(target)]);
      expect(performance.now() - began).toBeLessThan(10_000);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(answered.status).toBe(200);
    });
  }

  it('a slow node is not waited for: a second one is asked once it is slower than usual', async () => {
    const { alice, chain } = story;
    const slow = await listen(testNode(chain), (request, response) => {
      if (!request.url?.startsWith('/v1/addresses')) return false;
      const late = setTimeout(() => response.destroy(), 5_000);
      response.on('close', () => clearTimeout(late));
      return true;
    });
    open.push(slow);
    const other = testNode(chain);
    const gateway = openMemoryGateway({
      anchor: chain.trust,
      nodes: {
        slow: (url, init) => fetch(url.replace('http://slow', slow.url), init),
        other: other.fetch,
      },
      timeoutMillis: 3_000,
    });
    await gateway.step();
    const [first] = gateway.pool.ranked();
    expect(first?.name).toBe('slow');
    const began = performance.now();
    const response = await gateway.get(`/v1/addresses/${alice.text}?at=${chain.size}`);
    expect(response.status).toBe(200);
    expect(performance.now() - began).toBeLessThan(2_500);
    expect(other.asked.filter((target) => target.startsWith('/v1/addresses'))).toHaveLength(1);
  });
});

describe('asked by workerd', () => {
  const gateways: RunningGateway[] = [];

  async function over(upstreams: string[]): Promise<RunningGateway> {
    const gateway = await startGateway({
      trust: formatTrust(story.chain.trust),
      upstreams,
      port: 0,
      bundle,
      settings: { UPSTREAM_TIMEOUT_MILLIS: '300', FETCH_SHARDS: '1' },
    });
    gateways.push(gateway);
    return gateway;
  }

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  });

  it('every ill-mannered node costs bounded time and memory, and the honest one answers', async () => {
    const { alice, bob, nobody, chain } = story;
    const honest = await listen(testNode(chain));
    open.push(honest);
    const bad = await Promise.all(Object.values(MANNERS).map(illMannered));
    const unreachable = [
      'http://127.0.0.1:9',
      'http://no-such-host.invalid',
      honest.url.replace('http:', 'https:'),
    ];
    const gateway = await over([...bad.map(({ url }) => url), ...unreachable, honest.url]);
    const ready = async () => (await fetch(`${gateway.url}/readyz`)).status;
    await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 20_000 });
    const began = performance.now();
    const targets = [alice, bob, nobody].map(
      ({ text }) => `/v1/addresses/${text}?at=${chain.size}`,
    );
    const statuses = new Map<string, number>();
    // Until the breakers have learnt, a request may meet bad nodes alone: it is told when to retry.
    for (const target of targets) {
      await vi.waitFor(
        async () => {
          const response = await fetch(gateway.url + target);
          await response.arrayBuffer();
          if (response.status !== 200) expect(response.headers.has('retry-after')).toBe(true);
          expect(response.status).toBe(200);
          statuses.set(target, response.status);
        },
        { timeout: 30_000, interval: 50 },
      );
    }
    expect(statuses.size).toBe(3);
    expect(performance.now() - began).toBeLessThan(40_000);
    const { status } = await fetch(`${gateway.url}/livez`);
    expect(status).toBe(200);
  });
});
