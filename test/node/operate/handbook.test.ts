/**
 * Runs the commands of docs/operate.md, in its order, on four validators of one machine.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressFromKey, encodeAddress } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { freePorts } from 'fanal-node/testnet/local.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
const HANDBOOK = new URL('../../../docs/operate.md', import.meta.url);
const NAMES = ['anna', 'bert', 'cara', 'dora'] as const;
const OWNER = encodeAddress(addressFromKey(publicKeyFromSeed(new Uint8Array(32).fill(1))), 'tfan');

type Name = (typeof NAMES)[number];
const blocks = new Map(
  [...readFileSync(HANDBOOK, 'utf8').matchAll(/^```sh (\S+)\n([\s\S]*?)^```$/gm)].map(
    ([, name, text]) => [name as string, text as string],
  ),
);
const ports = new Map<Name, readonly number[]>();
const running = new Map<Name, ChildProcess>();
const said = new Map<Name, string>();
let folder: string;

// Before each: a second try finds no keys of the first.
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-handbook-'));
  const all = await freePorts(12);
  NAMES.forEach((name, i) => {
    ports.set(name, all.slice(3 * i, 3 * i + 3));
    mkdirSync(join(folder, name));
  });
  writeFileSync(join(folder, 'password'), 'correct horse\n', { mode: 0o600 });
  mkdirSync(join(folder, 'bin'));
  const script = `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`;
  writeFileSync(join(folder, 'bin', 'fanal'), script);
  chmodSync(join(folder, 'bin', 'fanal'), 0o755);
});

afterEach(() => {
  for (const child of running.values()) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

function environment(name: Name): NodeJS.ProcessEnv {
  const [p2p, api, ops] = ports.get(name) as number[];
  return {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    NO_COLOR: '1',
    FANAL_HOME: join(folder, name, 'home'),
    FANAL_KEYS_PASSWORD_FILE: join(folder, 'password'),
    FANAL_NETWORK_LISTEN: `127.0.0.1:${p2p}`,
    FANAL_API_LISTEN: `127.0.0.1:${api}`,
    FANAL_OPS_LISTEN: `127.0.0.1:${ops}`,
    FANAL_CONSENSUS_WATCH_MILLIS: '2000',
    FANAL_CONSENSUS_WATCH_HEIGHTS: '4',
    FANAL_URL: `http://127.0.0.1:${api}`,
    URL: `http://127.0.0.1:${api}`,
    NAME: name,
    OWNER,
    ADDRESS: `/ip4/127.0.0.1/tcp/${p2p}`,
    PASSWORD_FILE: join(folder, 'password'),
  };
}

/** Runs a block of the handbook as one operator; every line of it must succeed. */
function run(block: string, name: Name): string {
  const text = blocks.get(block);
  if (text === undefined) throw new Error(`the handbook has no block ${block}`);
  const result = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: join(folder, name),
    encoding: 'utf8',
    env: environment(name),
  });
  expect(`${block} of ${name}: ${result.status}\n${result.stderr}`).toMatch(/: 0\n/);
  return result.stdout;
}

/** Runs a block that does not end by itself. */
function start(block: string, name: Name): void {
  const child = spawn(
    'bash',
    ['-c', `${blocks.get(block)?.replace(/fanal start/, 'exec fanal start')}`],
    {
      cwd: join(folder, name),
      env: environment(name),
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  running.set(name, child);
  said.set(name, '');
  child.stderr?.on('data', (text) => said.set(name, `${said.get(name)}${text}`));
}

/** The height that a validator knows as certified, -1 as long as it is not ready. */
async function certified(name: Name): Promise<bigint> {
  const { exitCode } = running.get(name) as ChildProcess;
  expect(exitCode, `${name} ended and said:\n${said.get(name)}`).toBeNull();
  try {
    const [, api] = ports.get(name) as number[];
    const response = await fetch(`http://127.0.0.1:${api}/status`);
    const { certifiedHeight, ready } = (await response.json()) as Record<string, unknown>;
    return ready === true ? BigInt(String(certifiedHeight)) : -1n;
  } catch {
    return -1n;
  }
}

async function until(what: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 180_000;
  while (!(await what())) {
    expect(performance.now(), JSON.stringify([...said])).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test('an operator’s life, by the handbook', async () => {
  for (const name of NAMES) {
    run('operator', name);
    copyFileSync(
      join(folder, name, 'home', 'validator.json'),
      join(folder, 'anna', `${name}.json`),
    );
  }
  expect(run('coordinator', 'anna')).toContain('example.org/main');
  for (const name of NAMES) {
    if (name !== 'anna') {
      copyFileSync(join(folder, 'anna', 'genesis.json'), join(folder, name, 'genesis.json'));
    }
    run('install', name);
  }
  for (const name of NAMES) start('start', name);
  await until(async () => (await certified('anna')) >= 2n);

  expect(run('doctor', 'anna')).not.toContain('bad');
  expect(run('look', 'anna')).toContain('dora');
  run('watch', 'anna');

  expect(run('snapshot', 'anna')).toContain('state root');
  expect(run('backup', 'anna')).toContain('verified');

  // The host of anna is lost, and with it the folder; the backup is not.
  running.get('anna')?.kill('SIGKILL');
  await new Promise((resolve) => running.get('anna')?.once('exit', resolve));
  renameSync(join(folder, 'anna', 'home'), join(folder, 'anna', 'lost'));
  const before = await certified('bert');
  start('restore', 'anna');
  await until(async () => (await certified('anna')) > before);
  const [, api] = ports.get('anna') as number[];
  const status = await fetch(`http://127.0.0.1:${api}/status`).then((answer) => answer.json());
  expect(status).toMatchObject({ validator: 'anna', status: 'healthy' });
}, 420_000);
