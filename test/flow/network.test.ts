import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addFollower, createLocalNetwork, type LocalNetwork } from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyNode } from '../support/copied-node.ts';
import { type OwnedCoin, Payer, type Payment, statusOf, submit } from '../support/payments.ts';
import { until } from '../support/peers.ts';
import { account } from '../support/people.ts';

let folder: string;
let network: LocalNetwork;
let nodes: NodeProcess[] = [];
const extras: NodeProcess[] = [];
let payer: Payer;
const acknowledged: Payment[] = [];
const COIN = 100_000_000n;
/** What large committees do: vertices leave out what their receivers know. */
const SLIM = { FANAL_CONSENSUS_SLIM_LEAST_BYTES: '0' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-flow-'));
  network = await createLocalNetwork({ folder, validators: 4, accounts: 1 });
  nodes = network.nodes.map((node) => new NodeProcess(node, { env: SLIM }));
  await Promise.all(nodes.map((node) => node.waitUntilReady(90_000)));
  payer = new Payer(network, network.accounts[0] as never);
  // Many coins, so that payments need not wait for one another.
  const split = payer.split(payer.coins[0] as OwnedCoin, 60);
  await submit(node(0).url, split);
  payer.coins = [...split.own];
  await everywhere(split);
}, 120_000);

afterAll(async () => {
  await Promise.all([...nodes, ...extras].map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const node = (index: number) => nodes[index] as NodeProcess;
const live = () => nodes.filter(({ isRunning }) => isRunning);

/** Starts a node again on its folder. */
function restart(index: number): NodeProcess {
  nodes[index] = new NodeProcess(node(index).node, { env: SLIM });
  return node(index);
}

/** Pays one coin to somebody through one node. */
async function pay(through: NodeProcess, to = 'carol'): Promise<Payment> {
  const coin = payer.coins.shift() as OwnedCoin;
  const payment = payer.pay(coin, account(to).address, COIN);
  const answer = await submit(through.url, payment);
  expect(answer, answer.body).toMatchObject({ status: 202 });
  payer.coins.push(...payment.own);
  acknowledged.push(payment);
  return payment;
}

const isCertified = async (at: NodeProcess, { id }: Payment) =>
  (await statusOf(at.url, id)) === 'certified';

async function everywhere(payment: Payment, among = live()): Promise<void> {
  await until(
    `payment ${payment.id.slice(0, 8)} is certified everywhere`,
    async () => (await Promise.all(among.map((one) => isCertified(one, payment)))).every(Boolean),
    30_000,
  );
}

async function chainOf({ url }: NodeProcess): Promise<{ height: bigint }> {
  const response = await fetch(`${url}/v1/chain`);
  const { tip } = (await response.json()) as { tip: { height: string } };
  return { height: BigInt(tip.height) };
}

/** The header of a height, as a node has it: it holds the root of the whole log before. */
async function headerAt({ url }: NodeProcess, height: bigint): Promise<string> {
  const response = await fetch(`${url}/v1/blocks/${height}?format=bytes`);
  return Buffer.from(await response.arrayBuffer()).toString('hex');
}

async function expectOneLog(among = live()): Promise<void> {
  const heights = await Promise.all(among.map(chainOf));
  const lowest = heights.map(({ height }) => height).sort((a, b) => Number(a - b))[0] as bigint;
  const blocks = await Promise.all(among.map((one) => headerAt(one, lowest)));
  expect(new Set(blocks).size).toBe(1);
  expect(lowest).toBeGreaterThan(0n);
}

test.runIf(process.platform === 'linux')(
  'a node starts itself with a small space for new objects, under the same process id',
  () => {
    const words = readFileSync(`/proc/${node(0).pid}/cmdline`, 'utf8').split('\0');
    expect(words).toContain('--max-semi-space-size=8');
  },
);

describe('four validators, each a process of its own', () => {
  test('certify payments submitted to any of them everywhere, in one log', async () => {
    for (const through of nodes) await everywhere(await pay(through));
    await expectOneLog();
  });

  test('refuse a coin that is spent already, and say so', async () => {
    const [first] = acknowledged as [Payment];
    const again = await submit(node(2).url, first);
    expect(again.status).toBe(200);
    expect(again.body).toContain('certified');
  });

  test('go on without stall when one is killed; it is back within seconds', async () => {
    node(3).kill('SIGKILL');
    await node(3).exited;
    const stalls: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await everywhere(await pay(node(i % 3)));
      stalls.push(performance.now() - start);
    }
    const start = performance.now();
    const back = restart(3);
    await back.waitUntilLive();
    const payment = await pay(back);
    await everywhere(payment);
    for (const each of acknowledged) expect(await isCertified(back, each)).toBe(true);
    expect(performance.now() - start).toBeLessThan(20_000);
    await expectOneLog();
  });

  test('lose nothing that was acknowledged when all are killed at once', async () => {
    const payments = await Promise.all(nodes.map((each) => pay(each)));
    await until('all are certified somewhere', async () => {
      const seen = await Promise.all(payments.map((each) => isCertified(node(0), each)));
      return seen.every(Boolean);
    });
    for (const each of nodes) each.kill('SIGKILL');
    await Promise.all(nodes.map(({ exited }) => exited));
    for (const index of nodes.keys()) restart(index);
    await Promise.all(nodes.map((each) => each.waitUntilReady(60_000)));
    for (const each of acknowledged) {
      for (const at of nodes) expect(await isCertified(at, each)).toBe(true);
    }
    await everywhere(await pay(node(1)));
    await expectOneLog();
  });

  test('stop within ten seconds when asked to, and say so by their exit code', async () => {
    const start = performance.now();
    expect(await node(2).stop()).toBe(0);
    expect(performance.now() - start).toBeLessThan(10_000);
    await restart(2).waitUntilReady();
  });

  test('a follower executes the same blocks and takes payments', async () => {
    const follower = new NodeProcess(await addFollower(network, 'follower'));
    extras.push(follower);
    await follower.waitUntilReady();
    const payment = await pay(follower);
    await everywhere(payment, [...nodes, follower]);
    await expectOneLog([...nodes, follower]);
    const status = (await (await fetch(`${follower.url}/status`)).json()) as { validator: unknown };
    expect(status.validator).toBeNull();
  });
});

describe('a validator that must not sign', () => {
  test('a second copy of a running one is noticed and refuses; the first goes on', async () => {
    const copy = new NodeProcess(await copyNode(node(1).node, 'copy'));
    extras.push(copy);
    expect(await copy.exited).toBe(6);
    const log = readFileSync(join(copy.node.home.root, 'node.log'), 'utf8');
    expect(log).toMatch(/another node runs with this validator’s keys/);
    expect(node(1).isRunning).toBe(true);
    await everywhere(await pay(node(1)));
  });

  test('a second start on the same folder is told who runs there', async () => {
    const second = new NodeProcess(node(0).node);
    extras.push(second);
    expect(await second.exited).toBe(9);
    expect(node(0).isRunning).toBe(true);
  });

  test('one that lost its disk but kept its keys refuses', async () => {
    const { home } = node(3).node;
    await node(3).stop();
    cpSync(home.root, `${home.root}-kept`, { recursive: true });
    rmSync(home.data, { recursive: true });
    rmSync(home.signState);
    expect(await restart(3).exited).toBe(6);
    const log = readFileSync(join(home.root, 'node.log'), 'utf8');
    expect(log).toMatch(/what these keys have signed last is not known any more/);
  });

  test('one that lost its journal alone asks the others, and signs again from there', async () => {
    const { home } = node(3).node;
    rmSync(home.root, { recursive: true });
    cpSync(`${home.root}-kept`, home.root, { recursive: true });
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(join(home.data, `journal.sqlite${suffix}`), { force: true });
    }
    const back = restart(3);
    await back.waitUntilReady(60_000);
    // With another one down, three of four must sign: this one among them.
    await node(0).stop();
    await everywhere(await pay(back));
    await restart(0).waitUntilReady();
    await expectOneLog();
  });
});

describe('what all of this left on the disks', () => {
  test('is whole in every row, as `fanal fsck` sees it', async () => {
    const main = new URL('../../node/main.ts', import.meta.url).pathname;
    for (const { node: one } of nodes) {
      const args = [main, 'fsck', '--json', '--home', one.home.root];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const found = JSON.parse(stdout);
      expect(found).toMatchObject({ whole: true, findings: [] });
      expect(Number(found.payments)).toBeGreaterThanOrEqual(acknowledged.length);
      expect(Number(found.commits)).toBeGreaterThan(0);
    }
  });
});
