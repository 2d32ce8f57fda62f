/**
 * Four validators in processes of their own, on real sockets and disks of one machine: payments a
 * second and the time from submission to certificate at rising load, up to where it no longer
 * rises; then at half of that, with what the processes take and how soon they say how they are.
 *
 * The load generator shares the machine's processors: payments are signed beforehand, and sent
 * over pipelined connections, but it still takes its part. `FANAL_BENCH_NODE_ARGS` goes to Node in
 * each process, for profiles.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { addFollower, createLocalNetwork, type LocalNetwork } from 'fanal-node/testnet/local.ts';
import { NodeProcess } from 'fanal-node/testnet/process.ts';
import { quantile } from '../support/load.ts';
import { PaymentFlood } from '../support/payment-flood.ts';
import { usageOf } from '../support/process-usage.ts';
import { WatchedNetwork } from '../support/watched-network.ts';
import type { Benchmark, Report } from './report.ts';

const VALIDATORS = 4;
const ACCOUNTS = 200;
/** One transaction has at most 64 outputs. */
const COINS_EACH = 60;
const SECONDS = 8;
const WARM_RATE = 200;
/** Offered, one after the other; `FANAL_BENCH_RATES=1000,2000` picks others. */
const RATES = process.env.FANAL_BENCH_RATES?.split(',').map(Number) ?? [
  250, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500,
];
/** A level that certifies less than this share of the offer is past saturation. */
const KEPT_UP = 0.75;
const MIB = 2 ** 20;

export const run: Benchmark = async (report) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'fanal-bench-')), 'network');
  const network = await createLocalNetwork({ folder, validators: VALIDATORS, accounts: ACCOUNTS });
  const nodeArgs = (process.env.FANAL_BENCH_NODE_ARGS ?? '').split(' ').filter(Boolean);
  const start = (i: number) => {
    const node = network.nodes[i];
    if (node === undefined) throw new Error(`there is no validator ${i}`);
    return new NodeProcess(node, { nodeArgs });
  };
  const began = performance.now();
  const nodes = network.nodes.map((_, i) => start(i));
  const flood = new PaymentFlood(
    network,
    nodes.map(({ url }) => url),
  );
  try {
    await Promise.all(nodes.map((node) => node.waitUntilReady(60_000)));
    const cold = { 'from start to ready, four at once': performance.now() - began };
    report.figures('cold start', 'ms', cold, { atMost: 20_000 });
    await pause(5_000);
    reportMemory(report, 'resident memory, idle', nodes);
    await flood.prepare(COINS_EACH);
    void flood.watch();
    // New processes spend their first seconds on compiling, not on payments.
    await flood.run(WARM_RATE, SECONDS);
    const saturation = await findSaturation(report, nodes, flood);
    await measureAt(report, nodes, flood, Math.round(saturation / 2), 'half of that', {
      p50: 700,
      p99: 1_500,
    });
    reportMemory(report, 'resident memory after the load', nodes);
    await catchUp(report, network, nodes, flood, () => start(VALIDATORS - 1));
  } finally {
    flood.stop();
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(join(folder, '..'), { recursive: true, force: true });
  }
};

async function findSaturation(
  report: Report,
  nodes: readonly NodeProcess[],
  flood: PaymentFlood,
): Promise<number> {
  let best = 0;
  for (const rate of RATES) {
    const perSecond = await measureAt(report, nodes, flood, rate, 'rising');
    best = Math.max(best, perSecond);
    if (perSecond < rate * KEPT_UP) break;
  }
  const saturation = { 'certified, the most at any level': best };
  report.figures('saturation', 'payments/s', saturation, { atLeast: 1_500 });
  return best;
}

/** Offers payments at one rate and reports all there is to see; returns what was certified a second. */
async function measureAt(
  report: Report,
  nodes: readonly NodeProcess[],
  flood: PaymentFlood,
  rate: number,
  label: string,
  goals?: { readonly p50: number; readonly p99: number },
): Promise<number> {
  // Signing is not what is measured.
  flood.sign(rate * SECONDS);
  const watched = new WatchedNetwork(() => nodes);
  let isOver = false;
  await watched.begin();
  const health = watched.askHealth(nodes[1] as NodeProcess, () => isOver);
  const result = await flood.run(rate, SECONDS);
  isOver = true;
  const usage = await watched.end();
  const p95 = await health;
  const title = `${rate} payments a second offered (${label}; machine load ${loadavg()[0]?.toFixed(1)})`;
  const { perSecond, latencies, certified, refused } = result;
  report.figures(title, 'payments/s', { certified: perSecond });
  report.figures(
    '  submission to certificate, median',
    'ms',
    { p50: quantile(latencies, 0.5) },
    most(goals?.p50),
  );
  report.figures(
    '  and the slowest hundredth',
    'ms',
    { p99: quantile(latencies, 0.99) },
    most(goals?.p99),
  );
  report.figures('  a process', 'cores', { computing: usage.coresEach });
  report.figures('  all four', 'ms a payment', {
    computing: (usage.coresEach * nodes.length * usage.seconds * 1_000) / certified,
  });
  report.figures('  on the wire', 'B a payment', { 'all four': usage.sentBytes / certified });
  report.figures('  health, p95', 'ms', { '/livez': p95['/livez'] }, most(10));
  report.figures('  health, p95', 'ms', { '/readyz': p95['/readyz'] }, most(50));
  report.figures('  health, p95', 'ms', { '/status': p95['/status'] }, most(50));
  for (const [reason, count] of refused) report.note(`refused: ${count} × ${reason}`);
  return perSecond;
}

/** A validator that was away for a while, and a new node that begins with nothing. */
async function catchUp(
  report: Report,
  network: LocalNetwork,
  nodes: NodeProcess[],
  flood: PaymentFlood,
  restart: () => NodeProcess,
): Promise<void> {
  const last = nodes.length - 1;
  await (nodes[last] as NodeProcess).stop();
  const left = await heightOf(nodes[0] as NodeProcess);
  await flood.run(200, SECONDS);
  const missed = (await heightOf(nodes[0] as NodeProcess)) - left;
  const began = performance.now();
  const back = restart();
  nodes[last] = back;
  await back.waitUntilReady(60_000);
  report.figures('a validator that missed blocks', 'ms', {
    [`from start to ready, ${missed} blocks behind`]: performance.now() - began,
  });
  const follower = new NodeProcess(await addFollower(network, 'follower'));
  nodes.push(follower);
  await follower.waitUntilLive(60_000);
  const target = await heightOf(nodes[0] as NodeProcess);
  const start = performance.now();
  const from = await heightOf(follower);
  while ((await heightOf(follower)) < target) await pause(20);
  const seconds = (performance.now() - start) / 1_000;
  report.figures(`a new node catches up ${target} blocks`, '/s', {
    blocks: (target - from) / seconds,
  });
}

async function heightOf({ url }: NodeProcess): Promise<number> {
  const response = await fetch(`${url}/v1/chain`);
  return Number(((await response.json()) as { tip: { height: string } }).tip.height);
}

function reportMemory(report: Report, title: string, nodes: readonly NodeProcess[]): void {
  const all = nodes.map(({ pid }) => usageOf(pid).residentBytes / MIB);
  report.samples(title, 'MiB', { 'a process': all }, most(250));
}

function most(limit: number | undefined) {
  return limit === undefined ? undefined : { atMost: limit };
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
