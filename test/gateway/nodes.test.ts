/**
 * The gateway under real workerd over four validators that are processes of their own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeAddress } from 'fanal/crypto/address.ts';
import { formatTrust } from 'fanal/light/trust-file.ts';
import { trustGenesis } from 'fanal/light/trust-genesis.ts';
import {
  accountFromMnemonic,
  chainFromGenesis,
  createClient,
  createWallet,
  decodeAddress,
  deliver,
  http,
  newMnemonic,
} from 'fanal/wallet';
import { createLocalNetwork, type LocalNetwork } from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type RunningGateway, startGateway } from '../../workers/selfhost/workerd.ts';
import { type OwnedCoin, Payer, type Payment, submit } from '../support/payments.ts';

const COIN = 100_000_000n;

let folder: string;
let network: LocalNetwork;
let nodes: NodeProcess[];
let gateway: RunningGateway;
let payer: Payer;
const log: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-gateway-nodes-'));
  network = await createLocalNetwork({ folder, validators: 4, accounts: 1 });
  nodes = network.nodes.map((node) => new NodeProcess(node));
  await Promise.all(nodes.map((node) => node.waitUntilReady(90_000)));
  payer = new Payer(network, network.accounts[0] as never);
  gateway = await startGateway({
    trust: formatTrust(trustGenesis(network.chain.genesis)),
    upstreams: nodes.slice(0, 3).map(({ url }) => url),
    port: 0,
    settings: { ALLOWANCE: '1000000,1000000,1000000' },
    onLog: (line) => log.push(line),
  });
  await vi.waitFor(async () => expect(await sizeAt(gateway.url)).toBeGreaterThan(1), 30_000);
}, 150_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const addressOf = (text: string) => decodeAddress(text, 'dfan').address;

const get = (target: string) => fetch(gateway.url + target);

async function sizeAt(url: string): Promise<number> {
  const response = await fetch(`${url}/checkpoint`).catch(() => null);
  return response?.status === 200 ? Number((await response.text()).split('\n')[1]) : 0;
}

async function pay(): Promise<Payment> {
  const payment = payer.move(payer.coins.shift() as OwnedCoin, payer.address);
  payer.coins.push(...payment.own);
  // Submitting twice is safe, so a wallet that is told to come back comes back.
  await vi.waitFor(
    async () => expect([200, 202]).toContain((await submit(gateway.url, payment)).status),
    { timeout: 20_000, interval: 200 },
  );
  return payment;
}

/** Waits until the gateway proves a payment. */
async function proved({ id }: Payment): Promise<void> {
  await vi.waitFor(
    async () => expect((await get(`/v1/transactions/${id}/proof`)).status).toBe(200),
    { timeout: 30_000, interval: 50 },
  );
}

/** Pays as a wallet does: hands each payment in until it is proved, however often that takes. */
function payAgainAndAgain() {
  const wallet = { paid: 0, stop: async () => {} };
  let isOver = false;
  const paying = (async () => {
    while (!isOver) {
      const payment = payer.move(payer.coins.shift() as OwnedCoin, payer.address);
      payer.coins.push(...payment.own);
      for (let isProved = false; !isProved; ) {
        await submit(gateway.url, payment).catch(() => null);
        await new Promise((done) => setTimeout(done, 200));
        isProved = (await get(`/v1/transactions/${payment.id}/proof`)).status === 200;
      }
      wallet.paid++;
    }
  })();
  wallet.stop = () => {
    isOver = true;
    return paying;
  };
  return wallet;
}

it('follows the chain and proves what was paid through it', async () => {
  await proved(await pay());
  const address = encodeAddress(payer.address, 'dfan');
  const size = await sizeAt(gateway.url);
  for (const target of [
    '/v1/chain',
    '/v1/update?from=1&format=bytes',
    '/v1/genesis',
    '/v1/headers?from=0',
    `/v1/headers/1?at=${size}`,
    '/v1/blocks/1',
    `/v1/addresses/${address}`,
    `/v1/addresses/${address}/coins`,
    `/v1/addresses/${address}/history`,
    '/v1/validators',
    '/v1/fees',
    '/v1/mempool',
    `/tile/0/000.p/${size}`,
  ]) {
    const response = await get(target);
    expect(`${target} ${response.status}`).toBe(`${target} 200`);
  }
});

it('allows anyone enough for a wallet that watches, syncs and pays', async () => {
  const trust = formatTrust(trustGenesis(network.chain.genesis));
  const open = await startGateway({ trust, upstreams: nodes.map(({ url }) => url), port: 0 });
  try {
    await vi.waitFor(async () => expect(await sizeAt(open.url)).toBeGreaterThan(1), 30_000);
    const refusals: string[] = [];
    const noted: typeof fetch = async (url, init) => {
      const answer = await fetch(url, init);
      if (answer.status === 429) refusals.push(String(url));
      return answer;
    };
    const platform = { fetch: noted as never };
    const transport = http(open.url, { platform });
    const chain = chainFromGenesis(network.chain.genesis);
    const client = createClient({ chain, transport, platform });
    const words = newMnemonic((length) => crypto.getRandomValues(new Uint8Array(length)));
    const account = accountFromMnemonic(words, { prefix: 'dfan' });
    const wallet = createWallet({ client, account, gap: 3 });
    await wallet.sync();
    const own = wallet.receive();
    const sync = () => void wallet.sync().catch(() => {});
    const stops = [
      client.watchTip({ onTip: sync }),
      client.watchAddress({ address: own, onChange: sync }),
    ];
    const gift = payer.pay(payer.coins.shift() as OwnedCoin, addressOf(own), 10n * COIN);
    payer.coins.push(...gift.own);
    await submit(gateway.url, gift);
    await vi.waitFor(() => expect(wallet.balance().total).toBe(10n * COIN), 20_000);
    for (let i = 0; i < 3; i++) {
      await wallet.sync();
      const draft = await wallet.build({ to: [{ address: own, amount: COIN }] });
      await deliver(wallet, draft);
      await wallet.confirm(draft);
    }
    for (const stop of stops) stop();
    expect(refusals).toEqual([]);
  } finally {
    await open.stop();
  }
}, 120_000);

it('tells what it verified, and how old that is, while all nodes are killed under payments', async () => {
  const wallet = payAgainAndAgain();
  await vi.waitFor(() => expect(wallet.paid).toBeGreaterThan(1), 30_000);
  const before = await sizeAt(gateway.url);
  const pinned = `/v1/addresses/${encodeAddress(payer.address, 'dfan')}?at=${before}`;
  const verified = await (await get(pinned)).text();

  for (const node of nodes) node.kill();
  await Promise.all(nodes.map(({ exited }) => exited));
  const paidBefore = wallet.paid;
  // Long enough for every breaker to be as patient as it gets.
  const ages: number[] = [];
  for (let second = 0; second < 6; second++) {
    await new Promise((done) => setTimeout(done, 1_000));
    const tip = await get('/checkpoint');
    expect(tip.status).toBe(200);
    ages.push(Number(tip.headers.get('fanal-age')));
    expect(await (await get(pinned)).text()).toBe(verified);
  }
  expect(ages.at(-1)).toBeGreaterThanOrEqual(5);
  expect(ages).toEqual(ages.toSorted((a, b) => a - b));
  const fresh = await get(`/v1/addresses/${encodeAddress(payer.address, 'dfan')}/history?from=0`);
  expect(fresh.status).toBe(503);
  expect(fresh.headers.get('retry-after')).not.toBeNull();

  nodes = network.nodes.map((node) => new NodeProcess(node));
  await Promise.all(nodes.map((node) => node.waitUntilReady(60_000)));
  await vi.waitFor(
    async () => {
      const [theirs, ours] = await Promise.all([
        sizeAt((nodes[0] as NodeProcess).url),
        sizeAt(gateway.url),
      ]);
      expect(ours).toBeGreaterThan(before);
      expect(ours).toBeGreaterThanOrEqual(theirs);
    },
    { timeout: 15_000, interval: 50 },
  );
  expect(Number((await get('/checkpoint')).headers.get('fanal-age'))).toBeLessThan(
    ages.at(-1) ?? 0,
  );
  await vi.waitFor(() => expect(wallet.paid).toBeGreaterThan(paidBefore + 1), 30_000);
  await wallet.stop();
  expect(log.filter((line) => line.includes('refused an answer'))).toEqual([]);
}, 180_000);
