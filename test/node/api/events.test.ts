import { encodeAddress } from 'fanal/crypto/address.ts';
import { chainFromGenesis, createClient, http, type Tip } from 'fanal/wallet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Listener } from '../../../node/api/hub.ts';
import { eventStream } from '../../../node/api/sse.ts';
import { type ApiWorld, apiWorld } from '../../support/api-world.ts';
import { COIN } from '../../support/ledger-chain.ts';

let w: ApiWorld;

beforeAll(async () => {
  w = await apiWorld();
  w.block();
});

afterAll(() => w.close());

const bob = () => encodeAddress(w.chain.person('bob').address, 'dfan');

/** Reads a stream of events into a list, until it is told to stop. */
async function stream(target: string, headers: Record<string, string> = {}) {
  const controller = new AbortController();
  const response = await fetch(w.url + target, { headers, signal: controller.signal });
  const events: { id: string; event: string; data: Record<string, unknown> }[] = [];
  const reading = (async () => {
    let text = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => line.split(/: (.*)/s).slice(0, 2)),
        );
        text = text.slice(end + 2);
        if (lines.event !== undefined) events.push({ ...lines, data: JSON.parse(lines.data) });
      }
    }
  })().catch(() => {});
  return {
    response,
    events,
    async stop() {
      controller.abort();
      await reading;
    },
  };
}

describe('server-sent events', () => {
  it('begin with the tip as it is, and go on with each new one', async () => {
    const { response, events, stop } = await stream('/v1/events');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    await expect.poll(() => events.length).toBe(1);
    w.block();
    await expect.poll(() => events.length).toBe(2);
    const height = w.chain.height;
    expect(events.map(({ id }) => id)).toEqual([`${height - 1n}`, `${height}`]);
    expect(events[1]).toMatchObject({
      event: 'tip',
      data: { kind: 'tip', height: `${height}`, size: `${height + 1n}`, transactions: 0 },
    });
    await stop();
  });

  it('are resumed after the height that was seen last, with no gap', async () => {
    const seen = w.chain.height;
    for (let i = 0; i < 5; i++) w.block();
    const { events, stop } = await stream('/v1/events', { 'last-event-id': `${seen}` });
    await expect.poll(() => events.length).toBe(5);
    expect(events.map(({ id }) => BigInt(id))).toEqual([1n, 2n, 3n, 4n, 5n].map((n) => seen + n));
    await stop();
  });

  it('tell of one address when it changes and not otherwise', async () => {
    const { events, stop } = await stream(`/v1/events?topics=address&address=${bob()}`);
    w.block();
    const { bytes } = w.chain.pay('alice', w.chain.genesisCoin('alice'), 'bob', COIN);
    await w.ports.mempool.submit(bytes, 'local');
    w.block();
    await expect.poll(() => events.length).toBe(1);
    expect(events[0]).toMatchObject({
      event: 'address',
      data: { address: bob(), height: `${w.chain.height}` },
    });
    await stop();
  });

  it('end for a reader that leaves 64 events unread', async () => {
    let listener: Listener | undefined;
    let closed = 0;
    const unread = eventStream(
      { topics: ['tip'], addresses: [] },
      (opened) => {
        listener = opened;
        return () => {};
      },
      () => closed++,
    );
    const event = { kind: 'address', address: bob(), height: 1n } as const;
    for (let i = 0; i < 63; i++) listener?.deliver(event);
    expect(closed).toBe(0);
    for (let i = 0; i < 5; i++) listener?.deliver(event);
    expect(closed).toBe(1);
    await unread.cancel();
    expect(closed).toBe(1);
  });
});

describe('a WebSocket', () => {
  /** Opens one; resolves with its messages as they come, and how it ended. */
  async function open(target = '/v1/events') {
    const ws = new WebSocket(w.url.replace('http', 'ws') + target);
    const messages: Record<string, unknown>[] = [];
    const closed = new Promise<number>((resolve) => ws.on('close', resolve));
    ws.on('message', (data) => messages.push(JSON.parse(String(data))));
    ws.on('error', () => {});
    await new Promise((resolve) => {
      ws.on('open', resolve);
      ws.on('close', resolve);
    });
    return { ws, messages, closed };
  }

  it('hears the same events, and changes what it follows as it goes', async () => {
    const { ws, messages, closed } = await open('/v1/events?topics=tip');
    await expect.poll(() => messages.length).toBe(1);
    ws.send(
      JSON.stringify({ kind: 'subscribe', topics: ['address'], addresses: [bob()], after: null }),
    );
    await expect.poll(() => messages.at(-1)).toEqual({ kind: 'subscribed' });
    w.block();
    ws.send(JSON.stringify({ kind: 'ping' }));
    await expect.poll(() => messages.at(-1)).toEqual({ kind: 'pong' });
    const before = messages.length;
    const seen = w.chain.height - 2n;
    ws.send(
      JSON.stringify({ kind: 'subscribe', topics: ['tip'], addresses: [], after: `${seen}` }),
    );
    await expect.poll(() => messages.length).toBe(before + 3);
    expect(messages.slice(-2).map(({ height }) => height)).toEqual([
      `${seen + 1n}`,
      `${seen + 2n}`,
    ]);
    ws.close();
    await closed;
  });

  it.each([
    ['no JSON', 'hello', 1008],
    ['another shape', '{"kind":"shout"}', 1008],
    [
      'too many addresses',
      JSON.stringify({
        kind: 'subscribe',
        topics: [],
        addresses: Array(17).fill('x'),
        after: null,
      }),
      1008,
    ],
    [
      'an address of another network',
      '{"kind":"subscribe","topics":[],"addresses":["fan1x"],"after":null}',
      1008,
    ],
    ['more than 4 KiB', 'x'.repeat(4_097), 1009],
  ])('is closed for %s', async (_, message, code) => {
    const { ws, closed } = await open();
    ws.send(message);
    expect(await closed).toBe(code);
  });

  it('is closed for talking too much', async () => {
    const { ws, closed } = await open();
    for (let i = 0; i < 40; i++) ws.send('{"kind":"ping"}');
    expect(await closed).toBe(1008);
  });

  it('is one of five at most for one address, and finds no other path', async () => {
    const sockets = await Promise.all(Array.from({ length: 5 }, () => open()));
    await expect.poll(() => sockets.every(({ ws }) => ws.readyState === ws.OPEN)).toBe(true);
    const sixth = await open();
    expect(sixth.ws.readyState).not.toBe(sixth.ws.OPEN);
    for (const { ws } of sockets) ws.close();
    await Promise.all(sockets.map(({ closed }) => closed));
    await expect
      .poll(async () => {
        const { ws } = await open();
        const isOpen = ws.readyState === ws.OPEN;
        ws.close();
        return isOpen;
      })
      .toBe(true);
    const elsewhere = await open('/v1/chain');
    expect(elsewhere.ws.readyState).not.toBe(elsewhere.ws.OPEN);
  });
});

describe('the SDK', () => {
  it.each([
    ['server-sent events', null],
    ['a WebSocket', (url: string) => new globalThis.WebSocket(url)],
  ])('wakes up by %s, long before it would have looked by itself', async (_, webSocket) => {
    const client = createClient({
      chain: chainFromGenesis(w.chain.genesis),
      transport: http(w.url),
      platform: { now: w.ports.now, webSocket: webSocket as never },
    });
    const tips: Tip[] = [];
    const stop = client.watchTip({ onTip: (tip) => tips.push(tip) });
    await expect.poll(() => tips.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    w.block();
    const started = performance.now();
    await expect.poll(() => tips.at(-1)?.height, { interval: 5 }).toBe(w.chain.height);
    expect(performance.now() - started).toBeLessThan(1_000);
    stop();
  });
});
