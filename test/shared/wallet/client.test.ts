import { verifyInJavaScript } from 'fanal/crypto/ed25519.ts';
import { formatTrust, verifyReceiptText } from 'fanal/light';
import { toHex, utf8 } from 'fanal/primitives/bytes.ts';
import type { TestGateway } from 'fanal/testing';
import {
  accountFromMnemonic,
  type Balance,
  chainFromTrust,
  createClient,
  encodeAddress,
  fetchChain,
  http,
  InsufficientFundsError,
  memoryStore,
  newMnemonic,
  StaleError,
  type Tip,
  TrustExpiredError,
} from 'fanal/wallet';
import { describe, expect, it, vi } from 'vitest';
import { aliceAddress, bobAddress, coins, platformOf, world } from '../../support/wallet-world.ts';

describe('a client', () => {
  it('proves a balance from a cold start with two requests', async () => {
    const { client, gateways } = world();
    const balance = await client.getBalance({ address: aliceAddress });
    expect(balance).toMatchObject({
      trust: 'proved',
      balance: coins(1_000),
      coinCount: 1n,
      height: 1n,
      freshness: 'fresh',
      isUsed: true,
    });
    expect(gateways[0]?.requests.map(({ name }) => name)).toEqual(['update', 'address']);
  });

  it('proves that an address was never used', async () => {
    const { client } = world();
    const balance = await client.getBalance({ address: encodeAddress(bobAddress, 'dfan') });
    expect(balance).toMatchObject({ isUsed: false, balance: 0n, historySize: 0n });
  });

  it('refuses an address of another network before it asks anyone', async () => {
    const { client, gateways } = world();
    const address = encodeAddress(bobAddress, 'tfan');
    await expect(client.getBalance({ address })).rejects.toMatchObject({ code: 'address/prefix' });
    expect(gateways[0]?.requests.map(({ name }) => name)).not.toContain('address');
  });

  it('pays, waits for the proof, and keeps a receipt that verifies offline', async () => {
    const { client, wallet, chain, block } = world();
    await wallet.sync();
    const draft = await wallet.build({
      to: [{ address: encodeAddress(bobAddress, 'dfan'), amount: coins(5) }],
      note: 'for the lamp',
    });
    const sent = await wallet.send(draft);
    expect(sent).toMatchObject({ trust: 'reported', status: { kind: 'pending' } });
    expect(toHex(sent.id)).toBe(toHex(draft.id));
    const waiting = wallet.confirm(draft);
    block();
    const confirmed = await waiting;
    expect(confirmed).toMatchObject({ trust: 'proved', height: 2n, position: 0 });

    const proved = await verifyReceiptText(
      confirmed.receiptText,
      client.trusted(),
      verifyInJavaScript,
    );
    expect(toHex(proved.txid)).toBe(toHex(draft.id));
    const balance = await client.getBalance({ address: bobAddress });
    expect(balance.balance).toBe(coins(5));
    const after = await wallet.sync();
    expect(after.total).toBe(coins(995) - draft.fee);
    expect(chain.account(bobAddress).record.balance).toBe(coins(5));
  });

  it('may send the same payment twice, and only one is made', async () => {
    const { wallet, block } = world();
    await wallet.sync();
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    await wallet.send(draft);
    await wallet.send(draft);
    block();
    const again = await wallet.send(draft);
    expect(again.status).toMatchObject({ kind: 'certified', height: 2n });
  });

  it('reads a complete history in either order, and goes on where it stopped', async () => {
    const { client, wallet, block } = world();
    for (let i = 0; i < 70; i++) {
      await wallet.sync();
      await wallet.send(await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] }));
      block();
    }
    await client.sync();
    const oldest: bigint[] = [];
    for await (const item of client.history({ address: bobAddress })) oldest.push(item.height);
    expect(oldest).toEqual(Array.from({ length: 70 }, (_, i) => BigInt(i + 2)));

    const newest: bigint[] = [];
    for await (const item of client.history({ address: bobAddress, order: 'newest' })) {
      newest.push(item.index);
    }
    expect(newest).toEqual(Array.from({ length: 70 }, (_, i) => BigInt(69 - i)));

    const rest: bigint[] = [];
    for await (const item of client.history({ address: bobAddress, from: 68n })) {
      rest.push(item.index);
    }
    expect(rest).toEqual([68n, 69n]);

    const list = await client.getCoins({ address: bobAddress });
    expect(list.coins).toHaveLength(70);
    expect(list.coins.reduce((sum, { amount }) => sum + amount, 0n)).toBe(coins(70));
  });

  it('finds a transaction with its proof, and null for one that nobody knows', async () => {
    const { client, wallet, block } = world();
    await wallet.sync();
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    await wallet.send(draft);
    expect(await client.getTransaction({ id: draft.id })).toBeNull();
    block();
    await client.sync();
    const found = await client.getTransaction({ id: toHex(draft.id) });
    expect(found).toMatchObject({ trust: 'proved', height: 2n });
    expect(found?.transaction.outputs[0]?.amount).toBe(coins(1));
  });

  it('follows a hundred epochs asleep in one update, and keeps what it knows in its store', async () => {
    const store = memoryStore();
    const { client, chain, clock, gateways } = world({ client: { store } });
    for (let epoch = 0; epoch < 100; epoch++) {
      clock.pass(500);
      chain.addBlock({ time: clock.now(), endEpoch: true });
    }
    clock.pass(500);
    chain.addBlock({ time: clock.now() });
    const tip = await client.sync();
    expect(tip).toMatchObject({ epoch: 100, height: 102n, freshness: 'fresh' });
    expect(gateways[0]?.requests).toHaveLength(1);

    const [gateway] = gateways as [TestGateway];
    const next = createClient({
      chain: { trust: chain.trust },
      transport: http(gateway.url, { platform: platformOf(clock, gateway) }),
      platform: platformOf(clock, gateway),
      store,
    });
    await next.sync();
    expect(gateway.requests.at(-1)?.target).toBe('/v1/update?from=103&format=bytes');
  });

  it('shares one sync among its callers, and one who gives up leaves the others theirs', async () => {
    const { client, gateways } = world();
    const controller = new AbortController();
    const heights: bigint[] = [];
    const impatient = client.sync({ signal: controller.signal });
    const patient = client.sync({ onProgress: ({ height }) => heights.push(height) });
    controller.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'client/aborted' });
    expect(await patient).toMatchObject({ height: 1n });
    expect(heights).toEqual([1n]);
    expect(gateways[0]?.requests).toHaveLength(1);
  });

  it('acts on nothing older than a minute, and says how old it is when asked to', async () => {
    const { client, clock } = world();
    await client.sync();
    clock.pass(61_000);
    await expect(client.getBalance({ address: aliceAddress })).rejects.toBeInstanceOf(StaleError);
    const old = await client.getBalance({ address: aliceAddress, allowStale: true });
    expect(old).toMatchObject({ freshness: 'stale', balance: coins(1_000) });
  });

  it('refuses to follow once it slept longer than the trusting period', async () => {
    const { client, clock, chain } = world();
    clock.pass(chain.genesis.params.trustingPeriodMillis + 1n);
    await expect(client.sync()).rejects.toBeInstanceOf(TrustExpiredError);
  });

  it('starts from a trust file, and from nothing but a genesis id', async () => {
    const { client, chain, clock, gateways } = world();
    await client.sync();
    expect(chainFromTrust(formatTrust(client.trusted())).trust.header.height).toBe(1n);
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('there is one');
    const transport = http(gateway.url, { platform: platformOf(clock, gateway) });
    const fetched = await fetchChain(chain.start.genesisId, transport);
    expect(fetched.trust.origin).toBe(chain.start.origin);
    const other = 'ab'.repeat(32);
    await expect(fetchChain(other, transport)).rejects.toMatchObject({
      code: 'genesis/another-chain',
    });
  });

  it('calls back for each new tip and each change of an address', async () => {
    const { client, wallet, block } = world();
    await wallet.sync();
    const tips: Tip[] = [];
    const balances: Balance[] = [];
    const stopTip = client.watchTip({ onTip: (tip) => tips.push(tip) });
    const stopAddress = client.watchAddress({
      address: bobAddress,
      onChange: (balance) => balances.push(balance),
    });
    await expect.poll(() => balances.length).toBe(1);
    await wallet.send(await wallet.build({ to: [{ address: bobAddress, amount: coins(2) }] }));
    block();
    await expect.poll(() => balances.at(-1)?.balance).toBe(coins(2));
    await expect.poll(() => tips.at(-1)?.height).toBe(2n);
    stopTip();
    stopAddress();
  });
});

describe('a wallet', () => {
  it('finds coins behind a gap of nineteen, and none behind twenty: by proof', async () => {
    const account = accountFromMnemonic(
      newMnemonic((n) => new Uint8Array(n).fill(7)),
      {
        prefix: 'dfan',
      },
    );
    const at = (index: number) => {
      const address = account.address(index);
      if (address === null) throw new Error('an account of words has no end');
      return address;
    };
    const { wallet } = world({
      account,
      balances: [
        { address: at(0), amount: coins(1) },
        { address: at(20), amount: coins(2) },
        { address: at(41), amount: coins(4) },
      ],
    });
    const balance = await wallet.sync();
    expect(balance.total).toBe(coins(3));
    expect(wallet.receive()).toBe(encodeAddress(at(21), 'dfan'));
    expect(wallet.addresses()).toHaveLength(22);
  });

  it('keeps coins of a payment under way apart until the payment is made', async () => {
    const { wallet, block } = world();
    await wallet.sync();
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    await wallet.send(draft);
    expect(wallet.balance()).toMatchObject({ available: 0n, reserved: coins(1_000) });
    await expect(
      wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] }),
    ).rejects.toBeInstanceOf(InsufficientFundsError);
    block();
    const after = await wallet.sync();
    expect(after).toMatchObject({ reserved: 0n, available: coins(999) - draft.fee });
  });

  it('says what is missing when it cannot pay', async () => {
    const { wallet } = world();
    await wallet.sync();
    const error = await wallet
      .build({ to: [{ address: bobAddress, amount: coins(1_000) }] })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InsufficientFundsError);
    expect((error as InsufficientFundsError).available).toBe(coins(1_000));
    expect((error as InsufficientFundsError).needed).toBeGreaterThan(coins(1_000));
  });

  it('pays no more fee than twenty times the minimum, whatever a server reports', async () => {
    const { wallet, gateways } = world();
    await wallet.sync();
    gateways[0]?.tamper((answer, { name }) =>
      name === 'fees'
        ? {
            ...answer,
            body: utf8('{"minFeePerByte":"10","feePerByte":"100000000","dust":"1000"}'),
          }
        : answer,
    );
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    expect(draft.fee).toBe(200n * BigInt(draft.bytes.length));
  });

  it('hands a payment in again that every server took and lost', async () => {
    const { wallet, chain, block } = world();
    await wallet.sync();
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    const take = chain.submit.bind(chain);
    chain.submit = () => ({ kind: 'accepted', txid: draft.id });
    await wallet.send(draft);
    expect(chain.isWaiting(draft.id)).toBe(false);
    chain.submit = take;
    const waiting = wallet.confirm(draft);
    await vi.waitFor(() => expect(chain.isWaiting(draft.id)).toBe(true));
    block();
    expect(await waiting).toMatchObject({ trust: 'proved', height: 2n });
  });

  it('calls a payment expired only when its coin is proved to be unspent', async () => {
    const { wallet, chain, clock } = world();
    await wallet.sync();
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    // The server takes the payment and drops it.
    chain.submit = () => ({ kind: 'accepted', txid: draft.id });
    await wallet.send(draft);
    const outcomes: unknown[] = [];
    const waiting = wallet.confirm(draft).catch((error: unknown) => outcomes.push(error));
    const blockAt = (height: bigint) => {
      while (chain.tip.header.height < height) {
        clock.pass(500);
        chain.addBlock({ time: clock.now() });
      }
    };
    blockAt(draft.expiry);
    await wallet.client.sync();
    expect(outcomes).toEqual([]);
    blockAt(draft.expiry + 1n);
    await waiting;
    expect(outcomes).toMatchObject([{ code: 'wallet/expired' }]);
  });

  it('does not believe a server that hides a payment past its expiry', async () => {
    const { wallet, chain, clock, gateways } = world();
    await wallet.sync();
    const draft = await wallet.build({ to: [{ address: bobAddress, amount: coins(1) }] });
    await wallet.send(draft);
    gateways[0]?.tamper((answer, { name }) =>
      name === 'transactionProof'
        ? {
            status: 404,
            headers: {},
            body: utf8('{"type":"","title":"","status":404,"code":"not-found"}'),
          }
        : answer,
    );
    while (chain.tip.header.height <= draft.expiry) {
      clock.pass(500);
      chain.addBlock({ time: clock.now() });
    }
    const controller = new AbortController();
    const waiting = wallet.confirm(draft, { signal: controller.signal });
    const outcome = waiting.catch((error: { code: string }) => error.code);
    await wallet.sync();
    setTimeout(() => controller.abort(), 50);
    // It neither resolves nor says "expired": the coin is gone, so the payment was made.
    expect(await outcome).toBe('client/aborted');
  });

  it('merges the histories of its addresses, newest first, each payment once', async () => {
    const account = accountFromMnemonic(
      newMnemonic((n) => new Uint8Array(n).fill(9)),
      {
        prefix: 'dfan',
      },
    );
    const first = account.address(0);
    if (first === null) throw new Error('an account of words has no end');
    const { wallet, block } = world({
      account,
      balances: [
        { address: first, amount: coins(10) },
        { address: aliceAddress, amount: coins(1) },
      ],
    });
    for (let i = 1; i <= 3; i++) {
      await wallet.sync();
      await wallet.send(await wallet.build({ to: [{ address: bobAddress, amount: coins(i) }] }));
      block();
    }
    await wallet.sync();
    const lines: [bigint, bigint][] = [];
    for await (const { height, spent, received } of wallet.history()) {
      lines.push([height, (spent - received) / coins(1)]);
    }
    expect(lines).toEqual([
      [4n, 3n],
      [3n, 2n],
      [2n, 1n],
      [0n, -10n],
    ]);
  });
});
