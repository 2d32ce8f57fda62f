/**
 * A fifth validator joins a running network of four, by the command line, and retires again.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeAddress } from 'fanal/crypto/address.ts';
import { createLocalNetwork, freePorts, type LocalNetwork } from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Payer, submit } from '../../support/payments.ts';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'fanal-join-'));
let network: LocalNetwork;
let nodes: NodeProcess[] = [];
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  network = await createLocalNetwork({ folder: join(folder, 'net'), validators: 4, accounts: 1 });
  nodes = network.nodes.map((node) => new NodeProcess(node));
  await Promise.all(nodes.map((node) => node.waitUntilReady(60_000)));
  const [p2p, api, ops] = await freePorts(3);
  writeFileSync(join(folder, 'password'), 'correct horse\n', { mode: 0o600 });
  environment = {
    ...process.env,
    NO_COLOR: '1',
    FANAL_HOME: join(folder, 'eve'),
    FANAL_URL: nodes[0]?.url,
    FANAL_KEYS_PASSWORD_FILE: join(folder, 'password'),
    FANAL_NETWORK_LISTEN: `127.0.0.1:${p2p}`,
    FANAL_API_LISTEN: `127.0.0.1:${api}`,
    FANAL_OPS_LISTEN: `127.0.0.1:${ops}`,
    ADDRESS: `/ip4/127.0.0.1/tcp/${p2p}`,
  };
}, 90_000);

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command without standing still meanwhile: kept connections would be closed. */
function fanal(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: environment },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

test('a fifth validator takes a snapshot, catches up, bonds, and is asked to wait for its epoch', async () => {
  expect(await fanal('keys', 'new', '--open')).toMatchObject({ code: 0 });
  const shown = JSON.parse((await fanal('keys', 'show', '--prefix', 'dfan', '--json')).out);
  const address = shown.addresses[0].address as string;
  const payer = new Payer(network, network.accounts[0] as LocalNetwork['accounts'][number]);
  const coin = payer.coins[0] as Payer['coins'][number];
  const to = decodeAddress(address, 'dfan').address;
  const paid = await submit(nodes[0]?.url as string, payer.pay(coin, to, 500_000_000_000n));
  expect(paid.status).toBeLessThan(300);
  const genesis = (network.nodes[0] as LocalNetwork['nodes'][number]).home.genesis;
  const made = await fanal(
    ...['init', '--name', 'eve', '--chain', 'localhost/dev', '--prefix', 'dfan'],
    ...['--owner', address, '--address', environment.ADDRESS as string],
    ...['--password-file', join(folder, 'password')],
  );
  expect(made).toMatchObject({ code: 0 });
  expect(await fanal('init', '--genesis', genesis)).toMatchObject({ code: 0 });
  expect(await fanal('trust', 'pin', genesis, '--name', 'dev')).toMatchObject({ code: 0 });
  const home = (network.nodes[0] as LocalNetwork['nodes'][number]).home.root;
  expect(await fanal('snapshot', 'create', '--home', home)).toMatchObject({ code: 0 });

  const steps = (run: Ended) =>
    Object.fromEntries(
      JSON.parse(run.out || '{"steps":[]}').steps.map(
        ({ id, state }: { id: string; state: string }) => [id, state],
      ),
    );
  const join1 = ['join', 'dev', '--stake', '2000', '--json'];
  // A node looks at its snapshots every ten seconds.
  let dry = steps(await fanal(...join1, '--dry-run'));
  for (let i = 0; i < 20 && dry.snapshot !== 'open'; i++)
    dry = steps(await fanal(...join1, '--dry-run'));
  expect(dry).toMatchObject({ snapshot: 'open', 'catch up': 'blocked', bond: 'open' });

  const first = await fanal(...join1);
  expect(first.code).toBe(8);
  expect(steps(first)).toMatchObject({ snapshot: 'done', 'catch up': 'blocked' });

  const eve = spawn(process.execPath, [MAIN, 'start'], { env: environment, stdio: 'ignore' });
  try {
    let state = steps(await fanal(...join1));
    for (let i = 0; i < 20 && state.bond !== 'done'; i++) state = steps(await fanal(...join1));
    expect(state).toMatchObject({ 'catch up': 'done', bond: 'done', 'in the set': 'blocked' });
    const board = await (await fetch(`${nodes[0]?.url}/v1/validators`)).json();
    const rows = (board as { items: Record<string, unknown>[] }).items;
    expect(rows.find(({ name }) => name === 'eve')).toMatchObject({ pendingBond: '200000000000' });
    const left = await fanal('leave', 'dev', '--yes');
    expect(`${left.code} ${left.err}`).toMatch(/^0 /);
  } finally {
    eve.kill('SIGTERM');
    await new Promise((resolve) => eve.once('exit', resolve));
  }
}, 180_000);
