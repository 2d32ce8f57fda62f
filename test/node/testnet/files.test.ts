/**
 * `fanal testnet files`: the folders of a network of hosts are ready as they are. Here they run as
 * processes of one machine.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { genesisFromText } from 'fanal/chain/genesis-file.ts';
import { afterAll, expect, test } from 'vitest';
import { until } from '../../support/peers.ts';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), 'fanal-files-'));
const running: ChildProcess[] = [];

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(
    running.map((child) =>
      child.exitCode === null && child.signalCode === null
        ? new Promise((resolve) => child.once('exit', resolve))
        : null,
    ),
  );
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
});

function fanal(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, 'testnet', 'files', ...args], { encoding: 'utf8' });
}

test('four folders, started as they are, make a network that certifies', async () => {
  const out = join(root, 'here');
  // Below the ports that systems give to whoever asks for any: twelve in a row are free.
  const port = 20_000 + Math.floor(Math.random() * 1_000) * 12;
  const made = fanal('--out', out, '-n', '4', '--preset', 'local', '--port', `${port}`, '--json');
  expect(made.stderr).not.toContain('error');
  const { hosts } = JSON.parse(made.stdout) as {
    hosts: { name: string; folder: string; api: string }[];
  };
  expect(hosts.map(({ name }) => name)).toEqual(['val-1', 'val-2', 'val-3', 'val-4']);
  for (const { folder } of hosts) {
    const env = {
      ...process.env,
      FANAL_KEYS_PASSWORD_FILE: 'keystore-password',
      FANAL_EXIT_WITH_PARENT: `${process.pid}`,
    };
    const args = [MAIN, 'start', '--home', 'home'];
    const log = openSync(join(folder, 'log'), 'a');
    running.push(spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', log, log] }));
  }
  const certified = async (api: string) => {
    const response = await fetch(`${api}/status`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => null,
    );
    return response === null
      ? -1
      : Number(((await response.json()) as { certifiedHeight: string }).certifiedHeight);
  };
  await until(
    'all of them certify',
    async () => (await Promise.all(hosts.map(({ api }) => certified(api)))).every((at) => at >= 2),
    120_000,
  );
}, 150_000);

test('folders for hosts name their addresses, and carry units and an installer', () => {
  const out = join(root, 'there');
  const hosts = ['192.0.2.7', '2001:db8::7', 'c.example.org', 'd.example.org'];
  const made = fanal('--out', out, ...hosts.flatMap((host) => ['--host', host]));
  expect(made.status, made.stderr).toBe(0);
  const genesis = genesisFromText(readFileSync(join(out, 'genesis.json'), 'utf8'));
  expect(genesis.validators.flatMap(({ registration }) => registration.addresses).sort()).toEqual([
    '/dns/c.example.org/tcp/26700',
    '/dns/d.example.org/tcp/26700',
    '/ip4/192.0.2.7/tcp/26700',
    '/ip6/2001:db8::7/tcp/26700',
  ]);
  for (const name of ['val-1', 'val-2', 'val-3', 'val-4']) {
    const at = join(out, name);
    expect(readdirSync(at).sort()).toEqual([
      'README.md',
      'home',
      'install.sh',
      'keystore-password',
      'units',
    ]);
    expect(readdirSync(join(at, 'units'))).toContain('fanal.service');
    for (const secret of ['keystore-password', 'home/validator-keys.json', 'home/fanal.toml']) {
      expect(statSync(join(at, secret)).mode & 0o077, secret).toBe(0);
    }
    expect(spawnSync('sh', ['-n', join(at, 'install.sh')]).status).toBe(0);
    expect(readFileSync(join(at, 'home/genesis.json'), 'utf8')).toBe(
      readFileSync(join(out, 'genesis.json'), 'utf8'),
    );
  }
  const passwords = readdirSync(out)
    .filter((name) => name.startsWith('val-'))
    .map((name) => readFileSync(join(out, name, 'keystore-password'), 'utf8'));
  expect(new Set(passwords).size).toBe(4);
});

test('a folder with something in it stays as it is, and a host is named once', () => {
  expect(fanal('--out', join(root, 'there')).stderr).toContain('is not empty');
  const twice = fanal('--out', join(root, 'twice'), '--host', '192.0.2.7', '--host', '192.0.2.7');
  expect(twice.stderr).toContain('a host is named twice');
  expect(twice.status).not.toBe(0);
  const odd = fanal('--out', join(root, 'odd'), '--host', 'no/such');
  expect(odd.stderr).toContain('expected an IP address');
});
