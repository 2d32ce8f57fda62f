import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from 'fanal-node/config.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fanal-config-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const write = (text: string) => writeFileSync(join(home, 'fanal.toml'), text);
const load = (environment: Record<string, string> = {}, flags: Record<string, unknown> = {}) =>
  loadConfig({ home, environment, flags });

describe('settings', () => {
  test('without a file and without variables they are the defaults', () => {
    const { config, sources, file } = load();
    expect(config.network.listen).toEqual(['0.0.0.0:26700']);
    expect(config.ops.listen).toBe('127.0.0.1:9670');
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
    expect(file).toBeNull();
  });

  test('a flag beats a variable, which beats the file, which beats the default', () => {
    write('[mempool]\nmax_transactions = 500\nmax_bytes = 100000\n[node]\nname = "from-file"\n');
    const { config, sources } = load(
      { FANAL_MEMPOOL_MAX_TRANSACTIONS: '600', FANAL_NODE_NAME: 'from-environment' },
      { 'node.name': 'from-flag' },
    );
    expect(config.node.name).toBe('from-flag');
    expect(config.mempool).toEqual({ max_bytes: 100_000, max_transactions: 600 });
    expect(sources['node.name']).toBe('flag');
    expect(sources['mempool.max_transactions']).toBe('environment');
    expect(sources['mempool.max_bytes']).toBe('file');
    expect(sources['api.listen']).toBe('default');
  });

  test('lists and flags are read from variables', () => {
    const { config } = load({
      FANAL_NETWORK_LISTEN: '127.0.0.1:1, [::1]:2',
      FANAL_NODE_OBSERVE: 'true',
    });
    expect(config.network.listen).toEqual(['127.0.0.1:1', '[::1]:2']);
    expect(config.node.observe).toBe(true);
  });

  test.each([
    ['a misspelt section', '[netwrok]\n', /there is no section \[netwrok\]/],
    ['a misspelt key', '[network]\nlisen = []\n', /there is no setting network.lisen/],
    ['a wrong type', '[node]\nobserve = "yes"\n', /node.observe/],
    [
      'a number out of range',
      '[consensus]\nmin_round_delay_millis = 0\n',
      /min_round_delay_millis/,
    ],
    ['an unknown choice', '[node]\nmode = "full"\n', /node.mode/],
    ['a port without a host', '[api]\nlisten = "8080"\n', /api.listen: expected host:port/],
    ['something that is not TOML', '[node\n', /is not valid TOML/],
  ])('%s is refused and named', (_what, text, expected) => {
    write(text);
    expect(() => load()).toThrow(ConfigError);
    expect(() => load()).toThrow(expected);
  });

  test('a bad variable is named as such', () => {
    expect(() => load({ FANAL_MEMPOOL_MAX_BYTES: 'lots' })).toThrow(/FANAL_MEMPOOL_MAX_BYTES/);
  });

  test('a file that was named must be there', () => {
    expect(() => loadConfig({ home, file: join(home, 'other.toml'), environment: {} })).toThrow(
      /cannot read/,
    );
  });
});
