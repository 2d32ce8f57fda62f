import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addressFromKey, encodeAddress } from 'fanal/crypto/address.ts';
import { publicKeyFromSeed } from 'fanal/crypto/ed25519.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanal-cli-'));
  writeFileSync(join(folder, 'password'), 'correct horse\n', { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fanal(...args: string[]) {
  const run = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, FANAL_HOME: join(folder, 'home'), NO_COLOR: '1' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

const owner = encodeAddress(addressFromKey(publicKeyFromSeed(new Uint8Array(32).fill(1))), 'tfan');
const initValidator = (name: string, chain = 'example.org/test') =>
  fanal(
    ...['init', '--home', join(folder, name), '--name', name, '--chain', chain],
    ...['--owner', owner, '--address', '127.0.0.1:26700'],
    ...['--password-file', join(folder, 'password')],
  );

describe('the ceremony that begins a network', () => {
  test('from a draft over validators and accounts to a sealed file', () => {
    expect(fanal('genesis', 'init', '--chain', 'example.org/test').code).toBe(0);
    for (const name of ['anna', 'bert']) {
      expect(initValidator(name).code).toBe(0);
      expect(statSync(join(folder, name, 'validator-keys.json')).mode & 0o777).toBe(0o600);
      const added = fanal('genesis', 'add-validator', `${name}/validator.json`, '--stake', '1000');
      expect(added).toMatchObject({ code: 0 });
    }
    expect(fanal('genesis', 'add-account', owner, '12.5').code).toBe(0);
    const sealed = fanal('genesis', 'seal', '--json');
    expect(sealed.code).toBe(0);
    const summary = JSON.parse(sealed.out);
    expect(summary).toMatchObject({
      schema: 'fanal.genesis-summary/1',
      validators: 2,
      stake: '200000000000',
      supply: '201250000000',
    });
    const verified = JSON.parse(fanal('genesis', 'verify', '--json').out);
    expect(verified.genesisId).toBe(summary.genesisId);
    expect(verified.origin).toBe(`example.org/test/${summary.genesisId.slice(0, 16)}`);
  });

  test('a sealed file is not sealed over', () => {
    expect(fanal('genesis', 'seal')).toMatchObject({ code: 2 });
  });

  test('a validator installs it and may sign; a second time changes nothing', () => {
    const install = () =>
      fanal('init', '--home', join(folder, 'anna'), '--genesis', 'genesis.json');
    expect(install()).toMatchObject({ code: 0 });
    const before = readFileSync(join(folder, 'anna', 'sign-state.json'), 'utf8');
    expect(install()).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'anna', 'sign-state.json'), 'utf8')).toBe(before);
  });

  test('keys whose sign state is gone are not begun anew', () => {
    const home = join(folder, 'anna');
    unlinkSync(join(home, 'sign-state.json'));
    rmSync(join(home, 'data'), { recursive: true });
    const again = fanal('init', '--home', home, '--genesis', 'genesis.json');
    expect(again.code).toBe(6);
    expect(again.err).toMatch(/what they signed last is lost/);
    expect(again.err).toMatch(/--observe/);
  });

  test('a validator made for another network is refused', () => {
    expect(initValidator('carl', 'example.org/other').code).toBe(0);
    fanal('genesis', 'init', '--chain', 'example.org/test', '--draft', 'second.json');
    const added = fanal(
      ...['genesis', 'add-validator', 'carl/validator.json'],
      ...['--stake', '1000', '--draft', 'second.json'],
    );
    expect(added.code).toBe(3);
    expect(added.err).toMatch(/proof of possession does not verify/);
  });

  test('too little stake is refused with what is needed', () => {
    const added = fanal(
      ...['genesis', 'add-validator', 'bert/validator.json'],
      ...['--stake', '999', '--draft', 'second.json'],
    );
    expect(added.code).toBe(3);
    expect(added.err).toMatch(/expected at least 100000000000 units/);
  });

  test('a changed file is refused', () => {
    const text = readFileSync(join(folder, 'genesis.json'), 'utf8');
    writeFileSync(join(folder, 'changed.json'), text.replace('"anna"', '"anne"'));
    const verified = fanal('genesis', 'verify', 'changed.json');
    expect(verified.code).toBe(3);
    expect(verified.err).toMatch(/anne: a key’s proof of possession/);
  });

  test('a password that others can read is refused', () => {
    chmodSync(join(folder, 'password'), 0o644);
    const made = initValidator('dora');
    chmodSync(join(folder, 'password'), 0o600);
    expect(made.code).toBe(3);
    expect(made.err).toMatch(/chmod 600/);
  });

  test.each([
    [['genesis'], 2],
    [['genesis', 'seal', '--draft', 'nothing.json'], 3],
    [['genesis', 'verify', 'nothing.json'], 7],
    [['genesis', 'init', '--chain', 'Not A Name'], 2],
    [['genesis', 'add-account', 'nonsense', '1', '--draft', 'second.json'], 2],
    [['init'], 2],
    [['nonsense'], 2],
    [['--help'], 0],
    [['version'], 0],
  ])('fanal %j ends with %i', (args, code) => {
    expect(fanal(...args).code).toBe(code);
  });

  test('results are tab-separated in a pipe and carry no colours', () => {
    const { out } = fanal('version');
    expect(out.split('\n')[0]).toMatch(/^fanal\t[0-9.]+$/);
    expect(fanal('config', 'show', '--sources').out).toMatch(/^SETTING\tVALUE\tFROM\tMEANING\n/);
  });
});
