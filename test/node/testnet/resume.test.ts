/**
 * A run that is killed half-way goes on from its folder, and its report counts both parts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFault } from 'fanal-node/testnet/options.ts';
import type { TestnetReport } from 'fanal-node/testnet/report.ts';
import { RunFolder, type RunPart } from 'fanal-node/testnet/run-folder.ts';
import { Samples } from 'fanal-node/testnet/samples.ts';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { until } from '../../support/peers.ts';
import { schemaProblems } from './json-schema.ts';

const MAIN = new URL('../../../node/main.ts', import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), 'fanal-resume-'));
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

const schema = JSON.parse(
  readFileSync(new URL('../../../docs/testnet-report.schema.json', import.meta.url), 'utf8'),
);
const fanal = (...args: string[]) => [MAIN, 'testnet', 'run', ...args];
const partsIn = (folder: string): RunPart[] =>
  existsSync(join(folder, 'run.json'))
    ? JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).parts
    : [];

test('a run that is killed goes on for the time that was left', async () => {
  const folder = join(root, 'killed');
  const flags = ['-n', '4', '--duration', '16s', '--tps', '20', '--threads', '1'];
  const first = spawn(process.execPath, fanal(...flags, '--folder', folder), { stdio: 'ignore' });
  await until('something is kept', async () => partsIn(folder).length === 1, 60_000);
  first.kill('SIGKILL');
  await new Promise((resolve) => first.once('exit', resolve));
  const [killed] = partsIn(folder) as [RunPart];

  const path = join(root, 'report.json');
  const second = spawnSync(process.execPath, fanal('--resume', folder, '--report', path), {
    encoding: 'utf8',
  });
  expect(second.stderr).toMatch(/Going on with part 2: 00:1\d are left/);
  const report: TestnetReport = JSON.parse(readFileSync(path, 'utf8'));
  expect(schemaProblems(schema, report)).toEqual([]);
  expect(report.parts.length).toBe(2);
  expect(report.parts[0]).toEqual(killed.report.parts[0]);
  expect(report.run.durationSeconds).toBeGreaterThan(15.5);
  expect(report.run.durationSeconds).toBeLessThan(20);
  expect(report.chain.transactions).toBe(
    report.parts.reduce((sum, { transactions }) => sum + transactions, 0),
  );
  expect(report.chain.transactions).toBeGreaterThan(killed.report.chain.transactions);
  expect(report.throughput.settled).toBe(report.chain.transactions);
  expect(second.status, second.stdout).toBe(report.result === 'pass' ? 0 : 8);

  // Once the time is over there is nothing to go on with but the report.
  const again = spawnSync(process.execPath, fanal('--resume', folder, '--json'), {
    encoding: 'utf8',
  });
  expect(JSON.parse(again.stdout).parts).toEqual(report.parts);
}, 150_000);

describe('the folder of a run', () => {
  const options = {
    ...{ validators: 4, byzantine: 0, durationMillis: 86_400_000, paymentsPerSecond: 10 },
    ...{ seed: 7, threads: 1, links: { latencyMillis: 0, jitterMillis: 0, loss: 0 } },
    faults: [parseFault('kill@1h:1m', 4), parseFault('restart@20h:2', 4)],
  };

  test('keeps a day’s settings; the rest is what time and faults are left', () => {
    const folder = join(root, 'day');
    const begun = RunFolder.begin(folder, options);
    expect(begun.rest).toEqual(options);
    const report = { run: { durationSeconds: 10 * 3_600 } } as unknown as TestnetReport;
    begun.save({ report, samples: {} } as unknown as RunPart);
    const resumed = RunFolder.open(folder);
    expect(resumed.parts).toBe(1);
    expect(resumed.rest).toMatchObject({ durationMillis: 14 * 3_600_000, seed: 8 });
    expect(resumed.rest?.faults).toEqual([parseFault('restart@10h:2', 4)]);
  });

  test('is not begun twice, and not gone on with where nothing is', () => {
    expect(() => RunFolder.begin(join(root, 'day'), options)).toThrow(/a run .* already/);
    expect(() => RunFolder.open(join(root, 'nowhere'))).toThrow(/no run to go on with/);
  });
});

describe('faults by flag', () => {
  test.each(['stop@1s:2s', 'restart@1s', 'restart@1s:2', 'clock@1s:2s:1', 'pause@1s:2s'])(
    '%s is one',
    (text) => {
      expect(parseFault(text, 4).kind).toBe(text.split('@')[0]);
    },
  );

  test('a disk cannot be filled where there is none, and the refusal says where it can', () => {
    expect(() => parseFault('disk-full@1s:2s', 4)).toThrow(/no disks of their own/);
    expect(() => parseFault('restart@1s:2s', 4)).toThrow(/restart@at\[:count\]/);
  });
});

test('samples give percentiles within a percent, however they are put together', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
      fc.nat(200),
      (values, cut) => {
        const [a, b] = [new Samples(), new Samples()];
        values.forEach((value, i) => {
          (i < cut ? a : b).add(value);
        });
        a.addAll(b.stored());
        const sorted = [...values].sort((x, y) => x - y);
        const p50 = sorted[Math.floor(values.length / 2)] as number;
        expect(a.count).toBe(values.length);
        const found = (a.percentiles().p50 as number) * 1_000;
        expect(Math.abs(found - p50)).toBeLessThanOrEqual(0.011 * p50 + 0.5);
        expect(a.percentiles().max).toBe(Math.round(Math.max(...values)) / 1_000);
      },
    ),
  );
});
