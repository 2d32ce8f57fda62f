import { readFileSync } from 'node:fs';
import { parseFault, type TestnetOptions } from 'fanal-node/testnet/options.ts';
import { runTestnet } from 'fanal-node/testnet/run.ts';
import { expect, test } from 'vitest';
import { schemaProblems } from './json-schema.ts';

const OPTIONS: TestnetOptions = {
  validators: 4,
  byzantine: 0,
  durationMillis: 12_000,
  paymentsPerSecond: 30,
  links: { latencyMillis: 10, jitterMillis: 10, loss: 0.01 },
  faults: [parseFault('kill@3s:3s:1', 4)],
  seed: 7,
  threads: 2,
};

test('a network with a killed validator goes on, takes it back, and passes its checks', async () => {
  const heights: bigint[] = [];
  const report = await runTestnet(OPTIONS, new AbortController().signal, ({ certifiedHeight }) => {
    heights.push(certifiedHeight);
  });
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.result).toBe('pass');
  expect(report.chain.transactions).toBeGreaterThan(100);
  expect(report.config.faults[0]?.target).toHaveLength(1);
  expect(new Set(report.validators.map(({ finalBlockId }) => finalBlockId)).size).toBeLessThan(5);
  expect(report.lightClient.tamperRefused).toBeGreaterThan(0);
  expect(heights.at(-1)).toBeGreaterThan(heights[Math.floor(heights.length / 2)] as bigint);
  const schema = JSON.parse(
    readFileSync(new URL('../../../docs/testnet-report.schema.json', import.meta.url), 'utf8'),
  );
  expect(schemaProblems(schema, JSON.parse(JSON.stringify(report)))).toEqual([]);
  // The schema means what it says.
  expect(schemaProblems(schema, { ...report, result: 'maybe', more: 1 })).toEqual([
    'unknown field more',
    'result: "maybe" is not one of pass, fail',
  ]);
}, 60_000);

test('a clock put ahead and a restart do not stop the others', async () => {
  const faults = [parseFault('clock@1s:4s:1', 4), parseFault('restart@7s:1', 4)];
  const report = await runTestnet({ ...OPTIONS, faults }, new AbortController().signal, () => {});
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.config.faults.map(({ kind, target }) => [kind, target.length])).toEqual([
    ['clock', 1],
    ['restart', 1],
  ]);
  expect(report.chain.transactions).toBeGreaterThan(100);
}, 60_000);

test('two silent members of four stop the network, and the report says so', async () => {
  const report = await runTestnet(
    { ...OPTIONS, faults: [], byzantine: 2, durationMillis: 3_000, paymentsPerSecond: 5 },
    new AbortController().signal,
    () => {},
  );
  expect(report.result).toBe('fail');
  expect(report.checks.find(({ id }) => id === 'progress')?.ok).toBe(false);
  expect(report.chain.height).toBe(0);
}, 30_000);

test('an interrupted run is judged as far as it went', async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 2_500);
  const report = await runTestnet({ ...OPTIONS, faults: [] }, abort.signal, () => {});
  expect(report.interrupted).toBe(true);
  expect(report.run.durationSeconds).toBeLessThan(10);
}, 30_000);
