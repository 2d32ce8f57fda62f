import { DecodeError, FanalError } from 'fanal/primitives/errors.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { startPeer, stopPeers, type TestPeer, until } from '../../support/peers.ts';

afterEach(stopPeers);

const collect = async (frames: AsyncGenerator<Uint8Array>) => {
  const got: Uint8Array[] = [];
  for await (const body of frames) got.push(body);
  return got;
};

async function connected(server: Parameters<typeof startPeer>[0]): Promise<[TestPeer, TestPeer]> {
  const [a, b] = await Promise.all([startPeer(server), startPeer()]);
  await b.network.dial(`/ip4/127.0.0.1/tcp/${a.port}/p2p/${a.identity.peer}`);
  return [a, b];
}

describe('a node that only follows', () => {
  test('asks and gets the answer in frames', async () => {
    const [a, b] = await connected({
      answer: () =>
        async function* (request) {
          yield request;
          yield new Uint8Array(3_000_000).fill(5);
        },
    });
    const [first, second] = await collect(b.network.ask(a.identity.peer, Uint8Array.of(1, 2)));
    expect(first).toEqual(Uint8Array.of(1, 2));
    expect(second?.length).toBe(3_000_000);
    expect(second?.every((byte) => byte === 5)).toBe(true);
  });

  test('hears why it is refused', async () => {
    const [a, b] = await connected({
      answer: () =>
        // biome-ignore lint/correctness/useYield: it refuses before it answers
        async function* () {
          throw new FanalError('ledger/pruned', 'not here any more');
        },
    });
    await expect(collect(b.network.ask(a.identity.peer, Uint8Array.of(1)))).rejects.toMatchObject({
      code: 'network/refused',
      message: 'ledger/pruned',
    });
  });

  test('stops an answer that is longer than it asked for', async () => {
    const [a, b] = await connected({
      answer: () =>
        async function* () {
          for (;;) yield new Uint8Array(500_000);
        },
    });
    const asked = b.network.ask(a.identity.peer, Uint8Array.of(1), { maxBytes: 2_000_000 });
    await expect(collect(asked)).rejects.toMatchObject({ code: 'network/answer' });
  });

  test('does not wait for ever for an answer that does not come', async () => {
    const [a, b] = await connected({
      answer: () =>
        async function* () {
          yield Uint8Array.of(1);
          await new Promise((resolve) => setTimeout(resolve, 3_000));
        },
    });
    const asked = b.network.ask(a.identity.peer, Uint8Array.of(1), { timeoutMillis: 300 });
    await expect(collect(asked)).rejects.toMatchObject({ code: 'network/answer' });
  });

  test('takes no answer for whole whose connection broke between two frames', async () => {
    const [a, b] = await connected({
      answer: () =>
        async function* () {
          yield Uint8Array.of(1);
          await new Promise(() => {});
        },
    });
    const asked = b.network.ask(a.identity.peer, Uint8Array.of(1));
    expect(await asked.next()).toMatchObject({ value: Uint8Array.of(1) });
    const rest = collect(asked);
    await a.network.stop();
    await expect(rest).rejects.toMatchObject({ code: 'network/closed' });
  });

  test('is cut off when it sends what no node would send', async () => {
    const [a, b] = await connected({
      answer: () =>
        // biome-ignore lint/correctness/useYield: it refuses before it answers
        async function* () {
          throw new DecodeError('decode/kind', 'no such request');
        },
    });
    await expect(collect(b.network.ask(a.identity.peer, Uint8Array.of(9)))).rejects.toThrow();
    await expect(collect(b.network.ask(a.identity.peer, Uint8Array.of(9)))).rejects.toThrow();
    await until('it is disconnected', () => a.network.connected().length === 0);
    expect(a.network.counters.bans).toBe(1);
    await expect(
      b.network
        .dial(`/ip4/127.0.0.1/tcp/${a.port}/p2p/${a.identity.peer}`)
        .then(() => collect(b.network.ask(a.identity.peer, Uint8Array.of(1)))),
    ).rejects.toThrow();
  });

  test('gets no more than its share of requests', async () => {
    const [a, b] = await connected({});
    const outcomes = { served: 0, refused: 0 };
    for (let i = 0; i < 300; i++) {
      await collect(b.network.ask(a.identity.peer, Uint8Array.of(1))).then(
        () => outcomes.served++,
        () => outcomes.refused++,
      );
    }
    expect(outcomes.served).toBeGreaterThanOrEqual(200);
    expect(outcomes.refused).toBeGreaterThan(0);
  });

  test('finds no room when all places are taken', async () => {
    const a = await startPeer({ maxFollowers: 2 });
    const others = await Promise.all([startPeer(), startPeer(), startPeer()]);
    for (const { network } of others) {
      await network.dial(`/ip4/127.0.0.1/tcp/${a.port}/p2p/${a.identity.peer}`).catch(() => {});
    }
    await until('one is refused', () => a.network.counters.refused['followers-full'] === 1);
    await until('two have stayed', () => a.network.connected().length === 2);
  });

  test('hears the newest tip at once, and every new one', async () => {
    const [a, b] = await connected({});
    a.network.publishTip(Uint8Array.of(1));
    const tips: number[] = [];
    const listening = b.network.listen(a.identity.peer, (tip) => tips.push(tip[0] as number));
    await until('the first is there', () => tips.length === 1);
    a.network.publishTip(Uint8Array.of(2));
    await until('and the second', () => tips.length === 2);
    expect(tips).toEqual([1, 2]);
    await a.network.stop();
    await listening;
  });
});
