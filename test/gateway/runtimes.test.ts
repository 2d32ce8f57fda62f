/**
 * The same gateway under raw workerd and under Node: what it answers, and how it pushes.
 */
import { MAX_SOCKET_QUEUE_MESSAGES } from 'fanal/chain/limits.ts';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { toHex } from 'fanal/primitives/bytes.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleWorker } from '../../workers/selfhost/bundle.ts';
import { startGateway as startInNode } from '../../workers/selfhost/node.ts';
import {
  type RunningGateway,
  startGateway as startInWorkerd,
} from '../../workers/selfhost/workerd.ts';
import { openMemoryGateway } from './memory-gateway.ts';
import { addBlockNow, payment, provedTargets, type Story, tellStory } from './story.ts';
import { Subscriber } from './subscriber.ts';
import { type ListeningNode, listen, testNode } from './test-node.ts';

const SETTINGS = {
  ALLOWANCE: '1000000,1000000,1000000',
  CLIENT_HEADER: 'x-test-client',
  METRICS_TOKEN: 'secret',
  FOLLOW_MILLIS: '50',
};

let bundle: string;
beforeAll(async () => {
  bundle = await bundleWorker();
});

type Start = (options: {
  trust: string;
  upstreams: string[];
  directory?: string;
}) => Promise<Omit<RunningGateway, 'kill'>>;

const RUNTIMES: Record<string, Start> = {
  workerd: (options) => startInWorkerd({ ...options, port: 0, bundle, settings: SETTINGS }),
  Node: (options) => startInNode({ ...options, port: 0, settings: SETTINGS }),
};

const heightAt = async (url: string): Promise<number> => {
  const note = await (await fetch(`${url}/checkpoint`)).text();
  return Number(note.split('\n')[1]) - 1;
};

for (const [name, start] of Object.entries(RUNTIMES)) {
  describe(`under ${name}`, () => {
    let story: Story;
    let node: ListeningNode;
    let gateway: Omit<RunningGateway, 'kill'>;

    beforeAll(async () => {
      story = tellStory();
      node = await listen(testNode(story.chain));
      gateway = await start({ trust: formatTrust(story.chain.trust), upstreams: [node.url] });
      await reach(story.chain.size - 1n);
    });

    afterAll(async () => {
      await gateway.stop();
      await node.close();
    });

    async function reach(height: bigint): Promise<void> {
      await vi.waitFor(async () => expect(await heightAt(gateway.url)).toBe(Number(height)), {
        timeout: 15_000,
        interval: 20,
      });
    }

    it('every route gives the same bytes as the app alone', async () => {
      const alone = openMemoryGateway({
        anchor: story.chain.trust,
        nodes: { node: testNode(story.chain).fetch },
      });
      await alone.step();
      for (const target of Object.values(provedTargets(story))) {
        const response = await fetch(gateway.url + target);
        const expected = await alone.get(target);
        expect(`${target} ${response.status}`).toBe(`${target} 200`);
        expect(toHex(new Uint8Array(await response.arrayBuffer())), target).toBe(
          toHex(new Uint8Array(await expected.arrayBuffer())),
        );
        for (const header of ['cache-control', 'etag', 'content-type', 'content-location']) {
          expect(response.headers.get(header)).toBe(expected.headers.get(header));
        }
      }
    });

    it('whoever has an answer already changes nothing about it for others', async () => {
      const target = gateway.url + provedTargets(story).address;
      const ask = async (headers: Record<string, string> = {}) => {
        const answer = await fetch(target, { headers });
        await answer.arrayBuffer();
        return answer;
      };
      const etag = (await ask()).headers.get('etag') as string;
      expect((await ask({ 'if-none-match': etag })).status).toBe(304);
      expect((await ask()).headers.get('content-type')).toBe('application/octet-stream');
    });

    it('a thousand equal misses make one call to the node', async () => {
      const { bob, chain } = story;
      const target = `/v1/addresses/${bob.text}?at=${chain.size - 1n}`;
      node.asked.length = 0;
      const responses = await Promise.all(
        Array.from({ length: 1_000 }, () => fetch(gateway.url + target)),
      );
      const bodies = new Set(await Promise.all(responses.map((response) => response.text())));
      expect(bodies.size).toBe(1);
      expect(node.asked.filter((asked) => asked.startsWith('/v1/addresses'))).toHaveLength(1);
    });

    it('counts what it does, for whoever knows the token', async () => {
      const path = `${gateway.url}/metrics`;
      expect((await fetch(path)).status).toBe(404);
      const headers = { authorization: 'Bearer secret' };
      const text = await (await fetch(path, { headers })).text();
      expect(text).toMatch(
        /fanal_gateway_http_requests_total\{chain_id="[^"]+",route="address",method="GET",code="200"\} \d+/,
      );
      expect(text).toContain('fanal_gateway_build_info');
    });

    it('subscribers hear of every height once and in order, and come back without a gap', async () => {
      const { chain } = story;
      const first = new Subscriber(gateway.url, '10.1.0.1');
      expect(await first.opened()).toBe(true);
      const begin = Number(chain.size) - 1;
      await vi.waitFor(() => expect(first.tips()).toEqual([begin]), { timeout: 20_000 });
      for (let i = 1; i <= 3; i++) {
        addBlockNow(chain);
        await reach(chain.size - 1n);
      }
      await vi.waitFor(() => expect(first.tips().at(-1)).toBe(begin + 3), { timeout: 20_000 });
      expect(first.tips()).toEqual([begin, begin + 1, begin + 2, begin + 3]);
      first.close();
      // Several blocks at once, while nobody listens.
      for (let i = 0; i < 3; i++) addBlockNow(chain);
      await reach(chain.size - 1n);
      const again = new Subscriber(gateway.url, '10.1.0.1');
      await again.opened();
      again.say({ kind: 'subscribe', topics: ['tip'], addresses: [], after: String(begin + 2) });
      await vi.waitFor(() =>
        expect(again.heard.some(({ kind }) => kind === 'subscribed')).toBe(true),
      );
      const subscribed = again.heard.findIndex(({ kind }) => kind === 'subscribed');
      const after = again.heard.slice(subscribed + 1).map(({ height }) => Number(height));
      expect(after).toEqual([begin + 3, begin + 4, begin + 5, begin + 6]);
      again.close();
    });

    it('who follows an address hears when it is touched, and not otherwise', async () => {
      const { chain, alice, bob, nobody } = story;
      const watcher = new Subscriber(
        gateway.url,
        '10.1.0.2',
        `?topics=address&address=${bob.text}`,
      );
      const bystander = new Subscriber(
        gateway.url,
        '10.1.0.3',
        `?topics=address&address=${nobody.text}`,
      );
      await Promise.all([watcher.opened(), bystander.opened()]);
      chain.submit(payment(chain, alice, bob.address, 2_000_000n));
      addBlockNow(chain);
      const touched = String(chain.size - 1n);
      await reach(chain.size - 1n);
      // What happened before they came is told once, as a hint that anything may have changed; of
      // this height only one of them hears.
      const event = { kind: 'address', address: bob.text, height: touched };
      await vi.waitFor(() => expect(watcher.heard).toContainEqual(event), { timeout: 20_000 });
      expect(bystander.heard.map(({ height }) => height)).not.toContain(touched);
      watcher.close();
      bystander.close();
    });

    it('what no subscriber should say ends the connection with the code that says why', async () => {
      const cases: [say: (subscriber: Subscriber) => void, code: number][] = [
        [(one) => one.say('no json'), 1008],
        [(one) => one.say({ kind: 'dance' }), 1008],
        [
          (one) => one.say({ kind: 'subscribe', topics: ['tip'], addresses: ['x'], after: null }),
          1008,
        ],
        [(one) => one.say('x'.repeat(5_000)), 1009],
        [(one) => one.socket.send(new Uint8Array(8)), 1008],
        [
          (one) => {
            const wish = { kind: 'subscribe', topics: ['tip'], addresses: [], after: null };
            for (let i = 0; i < 40; i++) one.say(wish);
          },
          1008,
        ],
      ];
      for (const [i, [say, code]] of cases.entries()) {
        const one = new Subscriber(gateway.url, `10.2.0.${i}`);
        await one.opened();
        say(one);
        expect(`${i} ${(await one.closed).code}`).toBe(`${i} ${code}`);
      }
      const polite = new Subscriber(gateway.url, '10.2.1.1');
      await polite.opened();
      polite.say('{"kind":"ping"}');
      await vi.waitFor(() => expect(polite.heard.at(-1)?.kind).toBe('pong'));
      polite.close();
    });

    it('one client has five sockets, and the sixth is told to wait', async () => {
      const sockets = Array.from({ length: 8 }, () => new Subscriber(gateway.url, '10.3.0.1'));
      const opened = await Promise.all(sockets.map((one) => one.opened()));
      expect(opened.filter((one) => one)).toHaveLength(5);
      const other = new Subscriber(gateway.url, '10.3.0.2');
      expect(await other.opened()).toBe(true);
      for (const one of [...sockets, other]) one.close();
    });

    it('streams of server-sent events carry the same, and resume by their last id', async () => {
      const { chain } = story;
      const last = Number(chain.size) - 1;
      const headers = { 'last-event-id': String(last - 2), 'x-test-client': '10.4.0.1' };
      const leave = new AbortController();
      const response = await fetch(`${gateway.url}/v1/events`, { headers, signal: leave.signal });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      expect(response.headers.get('cache-control')).toBe('no-store');
      const ids: number[] = [];
      const reading = (async () => {
        const text = new TextDecoder();
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          for (const match of text.decode(chunk).matchAll(/^id: (\d+)$/gm))
            ids.push(Number(match[1]));
        }
      })().catch(() => {});
      await vi.waitFor(() => expect(ids).toEqual([last - 1, last]), { timeout: 20_000 });
      addBlockNow(chain);
      await vi.waitFor(() => expect(ids).toEqual([last - 1, last, last + 1]), { timeout: 10_000 });
      leave.abort();
      await reading;
    });

    // Under Node the queue itself is seen, and the kernel reads ahead for whoever sleeps.
    it.runIf(name === 'workerd')(
      'who does not read is dropped with a code, and goes on without a gap',
      async () => {
        const { chain } = story;
        const [slow, awake] = ['10.6.0.1', '10.6.0.2'].map(
          (id) => new Subscriber(gateway.url, id),
        ) as [Subscriber, Subscriber];
        await Promise.all([slow.opened(), awake.opened()]);
        const begin = Number(chain.size) - 1;
        slow.socket.pause();
        for (let i = 0; i <= MAX_SOCKET_QUEUE_MESSAGES; i++) {
          addBlockNow(chain);
          if (i % 16 === 0) awake.say('{"kind":"ping"}');
          if (i % 8 === 0) await reach(chain.size - 1n);
        }
        const last = Number(chain.size) - 1;
        await vi.waitFor(() => expect(awake.tips().at(-1)).toBe(last), { timeout: 15_000 });
        slow.socket.resume();
        expect((await slow.closed).code).toBe(1013);
        const heard = slow.tips().at(-1) as number;
        const back = new Subscriber(gateway.url, '10.6.0.1');
        await back.opened();
        back.say({ kind: 'subscribe', topics: ['tip'], addresses: [], after: String(heard) });
        addBlockNow(chain);
        await vi.waitFor(() => expect(back.tips().at(-1)).toBe(last + 1), { timeout: 15_000 });
        const all = new Set([...slow.tips(), ...back.tips()]);
        for (let height = begin; height <= last + 1; height++) expect(all.has(height)).toBe(true);
        awake.close();
        back.close();
      },
    );

    it('two hundred subscribers all hear of each tip', async () => {
      const { chain } = story;
      const crowd = Array.from(
        { length: 200 },
        (_, i) => new Subscriber(gateway.url, `10.5.${i}.1`),
      );
      const opened = await Promise.all(crowd.map((one) => one.opened()));
      expect(opened.every((one) => one)).toBe(true);
      const begin = Number(chain.size) - 1;
      for (let i = 0; i < 4; i++) {
        addBlockNow(chain);
        await reach(chain.size - 1n);
      }
      const expected = [0, 1, 2, 3, 4].map((i) => begin + i);
      await vi.waitFor(
        () => {
          for (const one of crowd) expect(one.tips()).toEqual(expected);
        },
        { timeout: 15_000 },
      );
      for (const one of crowd) one.close();
    });
  });
}
