import type { RouteName } from 'fanal/api/routes.ts';
import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { coinsPageCodec, evidenceCodec, verifyEvidence } from 'fanal/light';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';
import {
  flipBit,
  type Tamper,
  type TestAnswer,
  TestChain,
  type TestGateway,
  testGateway,
} from 'fanal/testing';
import {
  createClient,
  encodeAddress,
  ForkError,
  fallback,
  http,
  NetworkError,
  ProblemError,
  RateLimitError,
  StaleError,
  VerificationError,
} from 'fanal/wallet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aliceAddress,
  bobAddress,
  Clock,
  coins,
  platformOf,
  type World,
  world,
} from '../../support/wallet-world.ts';

/** A world where Bob was paid three times, and everything a wallet may ask about it. */
async function paidWorld(gateways = 1): Promise<World & { readonly txid: string }> {
  const made = world({ gateways });
  let txid = '';
  for (let i = 1; i <= 3; i++) {
    await made.wallet.sync();
    const draft = await made.wallet.build({ to: [{ address: bobAddress, amount: coins(i) }] });
    txid = toHex(draft.id);
    await made.wallet.send(draft);
    made.block();
  }
  return { ...made, txid };
}

/** A client of its own, so that each question starts from the genesis. */
function fresh({ chain, clock, gateways }: World) {
  return createClient({
    chain: { trust: chain.trust },
    transport: fallback(
      gateways.map((gateway) =>
        http(gateway.url, { platform: platformOf(clock, gateway), retries: 0 }),
      ),
      { compare: 1 },
    ),
    platform: platformOf(clock, gateways[0] as TestGateway),
  });
}

/** Every question, with an answer that can be compared. */
const QUESTIONS: Record<
  string,
  { route: RouteName; ask: (w: World & { txid: string }) => Promise<unknown> }
> = {
  'the tip': { route: 'update', ask: async (w) => (await fresh(w).sync()).root },
  'a balance': {
    route: 'address',
    ask: async (w) => (await fresh(w).getBalance({ address: bobAddress })).record,
  },
  'many balances': {
    route: 'addressQuery',
    ask: async (w) =>
      (await fresh(w).getBalances({ addresses: [aliceAddress, bobAddress] })).map(
        ({ record }) => record,
      ),
  },
  'all coins': {
    route: 'coins',
    ask: async (w) => (await fresh(w).getCoins({ address: bobAddress })).coins,
  },
  'the history': {
    route: 'history',
    ask: async (w) => {
      const items: unknown[] = [];
      for await (const item of fresh(w).history({ address: bobAddress })) items.push(item);
      return items;
    },
  },
  'a transaction': {
    route: 'transactionProof',
    ask: async (w) => {
      const found = await fresh(w).getTransaction({ id: w.txid });
      return found === null ? null : [found.height, found.position, found.transaction];
    },
  },
  'the parameters': { route: 'state', ask: (w) => fresh(w).getParams() },
};

const shown = (value: unknown) =>
  JSON.stringify(value, (_, part) =>
    typeof part === 'bigint' ? `${part}` : part instanceof Uint8Array ? toHex(part) : part,
  );

describe('a tampering gateway', () => {
  it.each(Object.entries(QUESTIONS))(
    'changes nothing about %s with any byte it flips',
    async (_, { route, ask }) => {
      const w = await paidWorld();
      const [gateway] = w.gateways as [TestGateway];
      const honest = shown(await ask(w));
      let length = 0;
      gateway.tamper((answer, { name }) => {
        if (name === route) length = Math.max(length, answer.body.length);
        return answer;
      });
      await ask(w);
      expect(length).toBeGreaterThan(100);
      let refused = 0;
      for (let at = 0; at < length; at++) {
        gateway.tamper((answer, { name }) =>
          name === route ? flipBit(answer, at * 8 + (at % 8)) : answer,
        );
        try {
          expect(shown(await ask(w)), `byte ${at}`).toBe(honest);
        } catch (error) {
          expect(error, `byte ${at}`).toBeInstanceOf(FanalError);
          refused++;
        }
      }
      // Some bytes of a transaction's note or of JSON's spaces would mean nothing; here all do.
      expect(refused).toBeGreaterThan(length * 0.9);
    },
    30_000,
  );

  it('is caught whatever it cuts off, adds, swaps or repeats', async () => {
    const w = await paidWorld();
    const [gateway] = w.gateways as [TestGateway];
    const questions = Object.values(QUESTIONS);
    const honest = new Map<string, string>();
    for (const { route, ask } of questions) honest.set(route, shown(await ask(w)));
    const edit = fc.oneof(
      fc.record({ kind: fc.constant('cut' as const), at: fc.nat(2_000) }),
      fc.record({
        kind: fc.constant('add' as const),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      }),
      fc.record({ kind: fc.constant('swap' as const), a: fc.nat(2_000), b: fc.nat(2_000) }),
      fc.record({
        kind: fc.constant('overwrite' as const),
        at: fc.nat(2_000),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(questions.length - 1), edit, async (which, change) => {
        const { route, ask } = questions[which] as (typeof questions)[number];
        gateway.tamper((answer, { name }) =>
          name === route ? { ...answer, body: edited(answer.body, change) } : answer,
        );
        const found = await ask(w).then(shown, (error: unknown) => {
          expect(error).toBeInstanceOf(FanalError);
          return null;
        });
        if (found !== null) expect(found).toBe(honest.get(route));
      }),
      { numRuns: 150 },
    );
  });

  it('cannot answer one question with the answer to another', async () => {
    const w = await paidWorld();
    const [gateway] = w.gateways as [TestGateway];
    const client = fresh(w);
    await client.sync();
    // Alice's record for Bob's, an older state for the newest, an older transaction for this one.
    const answerWith =
      (from: string, to: string): Tamper =>
      async (answer, { target }) => {
        if (!target.includes(from)) return answer;
        const response = await testGateway(w.chain).fetch(
          `http://gateway.test${target.replace(from, to)}`,
          { method: 'GET', headers: {}, signal: new AbortController().signal } as never,
        );
        const body = new Uint8Array(await response.arrayBuffer());
        return { status: response.status, headers: {}, body };
      };
    gateway.tamper(
      answerWith(encodeAddress(bobAddress, 'dfan'), encodeAddress(aliceAddress, 'dfan')),
    );
    await expect(client.getBalance({ address: bobAddress })).rejects.toMatchObject({
      code: 'proof/address',
    });
    const { size } = await client.sync();
    gateway.tamper(answerWith(`at=${size}`, `at=${size - 1n}`));
    await expect(client.getBalance({ address: bobAddress })).rejects.toMatchObject({
      code: 'proof/height',
    });
    const other = toHex(w.chain.blocks[2]?.txids[0] as Uint8Array);
    gateway.tamper(answerWith(w.txid, other));
    await expect(client.getTransaction({ id: w.txid })).rejects.toMatchObject({
      code: 'proof/another-transaction',
    });
  });

  it('hides no coin and no line of history', async () => {
    const w = await paidWorld();
    const [gateway] = w.gateways as [TestGateway];
    gateway.tamper((answer, { name }) => {
      if (name !== 'coins') return answer;
      const page = coinsPageCodec.decode(answer.body);
      return { ...answer, body: coinsPageCodec.encode({ ...page, coins: page.coins.slice(1) }) };
    });
    await expect(fresh(w).getCoins({ address: bobAddress })).rejects.toMatchObject({
      code: 'coins/count',
    });
  });

  it('is passed over for one that tells the truth', async () => {
    const w = await paidWorld(2);
    const [liar] = w.gateways as [TestGateway];
    liar.tamper((answer) => flipBit(answer, 77));
    const client = fresh(w);
    const balance = await client.getBalance({ address: bobAddress });
    expect(balance.balance).toBe(coins(6));
    const asked = liar.requests.length;
    await client.getCoins({ address: bobAddress });
    expect(liar.requests.length, 'a liar is asked last for a while').toBe(asked);
  });

  it('puts no word of its own before the user', async () => {
    const w = await paidWorld();
    const [gateway] = w.gateways as [TestGateway];
    const phish = 'Update your wallet at https://evil.example';
    gateway.tamper(() => ({
      status: 422,
      headers: { 'content-type': 'application/problem+json' },
      body: utf8(
        JSON.stringify({
          type: phish,
          title: phish,
          detail: phish,
          status: 422,
          code: 'transaction-invalid',
          reason: phish,
        }),
      ),
    }));
    const error = await fresh(w)
      .sync()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProblemError);
    expect(`${error} ${shown(error)}`).not.toContain('evil');
  });
});

describe('a gateway that fails', () => {
  const html: TestAnswer = { status: 200, headers: {}, body: utf8('<html>Sign in</html>') };
  it.each<[string, Tamper, new (...args: never[]) => Error]>([
    ['breaks the connection', () => Promise.reject(new Error('reset')), NetworkError],
    ['answers 502', (answer) => ({ ...answer, status: 502 }), NetworkError],
    ['answers 204', () => ({ status: 204, headers: {}, body: new Uint8Array(0) }), FanalError],
    ['answers with a page and 200', () => html, FanalError],
    [
      'asks for an hour of peace',
      () => ({ status: 429, headers: { 'retry-after': '3600' }, body: utf8('') }),
      RateLimitError,
    ],
    [
      'claims a length of 10 GB',
      (answer) => ({ ...answer, headers: { 'content-length': '10000000000' } }),
      NetworkError,
    ],
  ])('is an error of its own kind when it %s', async (_, tamper, kind) => {
    const w = await paidWorld();
    w.gateways[0]?.tamper(tamper);
    await expect(fresh(w).sync()).rejects.toBeInstanceOf(kind);
  });

  it('is tried again when it was only for a moment', async () => {
    const w = world();
    const [gateway] = w.gateways as [TestGateway];
    let failures = 2;
    gateway.tamper((answer) => {
      if (failures-- > 0) throw new Error('reset');
      return answer;
    });
    expect(await w.client.sync()).toMatchObject({ height: 1n });
  });

  it('is not waited for longer than the time allowed', async () => {
    const w = world({ gateways: 2, compare: 1 });
    const [slow] = w.gateways as [TestGateway];
    slow.tamper(() => new Promise(() => {}));
    const client = createClient({
      chain: { trust: w.chain.trust },
      transport: fallback(
        w.gateways.map((gateway) =>
          http(gateway.url, {
            platform: { ...platformOf(w.clock, gateway) },
            timeoutMillis: 20,
            retries: 0,
          }),
        ),
        { compare: 1 },
      ),
      platform: platformOf(w.clock, slow),
    });
    expect(await client.sync()).toMatchObject({ height: 1n });
  });

  it('may answer twice or late: a wallet that asks again gets the same', async () => {
    const w = await paidWorld();
    const [gateway] = w.gateways as [TestGateway];
    const client = fresh(w);
    const first = await client.getBalance({ address: bobAddress });
    let stale: TestAnswer | null = null;
    gateway.tamper((answer, { name }) => {
      if (name !== 'update') return answer;
      const held = stale;
      stale = answer;
      return held ?? answer;
    });
    await client.sync();
    w.block();
    // The answer to the question before, once more: it leads nowhere and loses nothing.
    await client.sync();
    expect(client.trusted().header.height).toBeGreaterThanOrEqual(first.height);
  });

  it('that is frozen is found out by the age of what it shows', async () => {
    const w = await paidWorld();
    let size = w.chain.size;
    const gateway = testGateway(w.chain, { size: () => size });
    const client = createClient({
      chain: { trust: w.chain.trust },
      transport: http(gateway.url, { platform: platformOf(w.clock, gateway) }),
      platform: platformOf(w.clock, gateway),
    });
    await client.sync();
    w.clock.pass(120_000);
    w.chain.addBlock({ time: w.clock.now() });
    expect(await client.sync()).toMatchObject({ freshness: 'stale' });
    await expect(client.getBalance({ address: bobAddress })).rejects.toBeInstanceOf(StaleError);
    size = w.chain.size;
    expect(await client.sync()).toMatchObject({ freshness: 'fresh' });
    // And back: a smaller log than the one it showed.
    size = 2n;
    await expect(client.sync()).rejects.toBeInstanceOf(StaleError);
    expect(client.trusted().header.height).toBe(w.chain.size - 1n);
  });
});

describe('two gateways', () => {
  /** Two chains of the same validators that part after their second block. */
  function forked(sizeA: number, sizeB: number) {
    const make = (payload: bigint, blocks: number) => {
      const chain = new TestChain({ balances: [{ address: aliceAddress, amount: coins(1_000) }] });
      const { time } = chain.genesis;
      chain.addBlock({ time: time + 500n });
      for (let i = 2; i <= blocks; i++) chain.addBlock({ time: time + 500n * BigInt(i) + payload });
      return chain;
    };
    const [a, b] = [make(0n, sizeA), make(7n, sizeB)];
    const clock = new Clock(a.genesis.time + 500n * BigInt(Math.max(sizeA, sizeB)) + 1_000n);
    const gateways = [testGateway(a), testGateway(b)];
    const transport = fallback(
      gateways.map((gateway) => http(gateway.url, { platform: platformOf(clock, gateway) })),
      { compare: 2 },
    );
    const client = createClient({
      chain: { trust: a.trust },
      transport,
      platform: platformOf(clock, gateways[0] as TestGateway),
    });
    return { a, client };
  }

  it.each([
    ['the same size', 4, 4],
    ['different sizes', 3, 6],
    ['different sizes, the other way round', 6, 3],
  ])('that show two certified histories of %s give a fork with evidence', async (_, x, y) => {
    const { a, client } = forked(x, y);
    const error = await client.sync().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ForkError);
    const evidence = evidenceCodec.decode((error as ForkError).evidence);
    const finding = await verifyEvidence(evidence, verifyInJavaScript, a.trust);
    expect(finding.kind).toBe('fork');
    expect(finding.guiltyStake * 3n).toBeGreaterThan(finding.totalStake);
    // Neither history is believed again.
    await expect(client.getBalance({ address: aliceAddress })).rejects.toBeInstanceOf(ForkError);
  });

  it('of which one is behind agree, once the longer one proves that it goes on from the other', async () => {
    const w = world();
    w.block();
    w.block();
    const behind = testGateway(w.chain, { size: () => 2n });
    const ahead = testGateway(w.chain);
    const client = createClient({
      chain: { trust: w.chain.trust },
      transport: fallback(
        [behind, ahead].map((gateway) =>
          http(gateway.url, { platform: platformOf(w.clock, gateway) }),
        ),
      ),
      platform: platformOf(w.clock, ahead),
    });
    expect(await client.sync()).toMatchObject({ height: 3n, asked: 2, agreed: 2 });
  });

  it('need a quorum: what fewer than two thirds signed is refused', async () => {
    const w = world();
    w.chain.addBlock({ time: w.clock.now(), cosigners: [0, 1] });
    await expect(w.client.sync()).rejects.toBeInstanceOf(VerificationError);
    await expect(w.client.sync()).rejects.toMatchObject({ code: 'checkpoint/no-quorum' });
  });
});

type Edit =
  | { kind: 'cut'; at: number }
  | { kind: 'add'; bytes: Uint8Array }
  | { kind: 'swap'; a: number; b: number }
  | { kind: 'overwrite'; at: number; bytes: Uint8Array };

function edited(body: Uint8Array, edit: Edit): Uint8Array {
  const copy = body.slice();
  const place = (at: number) => at % Math.max(1, copy.length);
  switch (edit.kind) {
    case 'cut':
      return copy.slice(0, place(edit.at));
    case 'add':
      return new Uint8Array([...copy, ...edit.bytes]);
    case 'swap': {
      const [a, b] = [place(edit.a), place(edit.b)];
      const held = copy[a] ?? 0;
      copy[a] = copy[b] ?? 0;
      copy[b] = held;
      return copy;
    }
    case 'overwrite':
      copy.set(edit.bytes.slice(0, copy.length - place(edit.at)), place(edit.at));
      return copy;
  }
}
