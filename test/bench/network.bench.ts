/**
 * Four validators in processes of their own, on real sockets and disks of one machine: payments a
 * second, and the time from submission to certificate, at rising load. The load generator shares
 * the machine, so these are no field numbers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalNetwork } from '../../node/testnet/local.ts';
import { NodeProcess } from '../../node/testnet/process.ts';
import { Load, quantile } from '../support/load.ts';
import type { Benchmark } from './report.ts';

const VALIDATORS = 4;
const ACCOUNTS = 40;
/** One transaction has at most 64 outputs. */
const COINS_EACH = 60;
const SECONDS = 8;
const RATES = [50, 100, 200];

export const run: Benchmark = async (report) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'fanal-bench-')), 'network');
  const network = await createLocalNetwork({ folder, validators: VALIDATORS, accounts: ACCOUNTS });
  const began = performance.now();
  const nodes = network.nodes.map((node) => new NodeProcess(node));
  try {
    await Promise.all(nodes.map((node) => node.waitUntilReady(60_000)));
    const cold = { 'from start to ready, four at once': performance.now() - began };
    report.figures('cold start', 'ms', cold, { atMost: 20_000 });
    const urls = nodes.map(({ url }) => url);
    const load = new Load(network);
    await load.prepare(urls, COINS_EACH);
    const watching = load.watch(() => urls[0] as string);
    for (const rate of RATES) {
      const { perSecond, latencies, refused } = await load.run(urls, rate, SECONDS);
      report.figures(`${rate} payments a second offered`, 'payments/s', { certified: perSecond });
      report.figures(`${rate} payments a second offered, submission to certificate`, 'ms', {
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
      });
      const reasons = [...refused].map(([reason, count]) => `${count} × ${reason}`);
      if (reasons.length > 0) report.note(`refused so far: ${reasons.join(', ')}`);
    }
    load.stop();
    await watching;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(join(folder, '..'), { recursive: true, force: true });
  }
};
