/**
 * What goes to Cloudflare: `wrangler.toml` bundles without a network, and binds all that the Worker
 * asks of its platform.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { WINDOW_SECONDS } from '../../workers/gateway/limits.ts';
import { ANONYMOUS_ALLOWANCE } from '../../workers/gateway/rate-limit.ts';

/** Compressed, on the smallest plan. */
const MOST_BYTES = 3_000_000;
/** What docs/deploy.md has an operator make before. */
const MADE_BY_HAND = ['fanal-objects', 'PLANS'];

it('deploys but for the network, with every binding that the Worker reads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanal-deploy-'));
  try {
    const nowhere = 'http://127.0.0.1:9';
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        resolve('node_modules/wrangler/bin/wrangler.js'),
        ...['deploy', '--dry-run', '--outdir', folder],
      ],
      {
        env: {
          ...process.env,
          ...{ CI: 'true', HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, HOME: folder },
          ...{ WRANGLER_LOG_PATH: join(folder, 'logs'), NO_COLOR: '1' },
        },
      },
    );
    const source = readFileSync('workers/env.ts', 'utf8');
    const bindings = [...source.matchAll(/^ {2}readonly ([A-Z_]+)\??: (?!string)/gm)].map(
      ([, name]) => name as string,
    );
    // The two disks stand in where there is no R2 and nobody serves the page.
    const elsewhere = ['OBJECTS_DISK', 'ASSETS_DISK'];
    for (const name of bindings.filter((one) => !elsewhere.includes(one))) {
      expect(stdout).toContain(`env.${name} `);
    }
    expect(bindings.length).toBeGreaterThan(10);
    const worker = readFileSync(join(folder, 'main.js'));
    expect(gzipSync(worker).length).toBeLessThan(MOST_BYTES);
    for (const name of ['ChainDO', 'FetchDO', 'Immutable', 'MetricsDO', 'PushDO', 'QuotaDO']) {
      expect(worker.includes(`${name}`)).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('Cloudflare counts what the other runtimes count, and the guide says how much that is', () => {
  const file = readFileSync('wrangler.toml', 'utf8');
  const bound = [
    ...file.matchAll(/name = "LIMIT_([A-Z]+)"\n.*\nsimple = \{ limit = (\d+), period = (\d+) \}/g),
  ].map(([, cost = '', limit, period]) => [cost.toLowerCase(), Number(limit), Number(period)]);
  const { cached, uncached, submit } = ANONYMOUS_ALLOWANCE;
  expect(bound).toEqual([
    ['cached', cached, WINDOW_SECONDS],
    ['uncached', uncached, WINDOW_SECONDS],
    ['submit', submit, WINDOW_SECONDS],
  ]);
  expect(readFileSync('docs/deploy.md', 'utf8')).toContain(`\`${cached},${uncached},${submit}\``);
});

it('the guide names what has to be made by hand, and every setting', () => {
  const guide = readFileSync('docs/deploy.md', 'utf8');
  const settings = [
    ...readFileSync('workers/config.ts', 'utf8').matchAll(/^ {2}readonly ([A-Z_]+)\??: string/gm),
  ].map(([, name]) => name as string);
  expect(settings.length).toBeGreaterThan(8);
  const given = ['VERSION', 'COMMIT'];
  for (const name of [...MADE_BY_HAND, ...settings.filter((one) => !given.includes(one))]) {
    expect(guide).toContain(name);
  }
  expect(guide).toContain('https://deploy.workers.cloudflare.com/?url=');
});
