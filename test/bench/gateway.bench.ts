/**
 * The gateway under raw workerd over one real node, beside a bare Hono route under raw workerd.
 *
 * Node, gateway and load generator are three processes on one machine, so absolute figures are
 * those of a crowd; ratios and latencies at half load say more.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bundleWorker } from '../../workers/selfhost/bundle.ts';
import { type RunningGateway, startGateway } from '../../workers/selfhost/workerd.ts';
import { startBareWorker } from '../support/bare-worker.ts';
import { startUpstream, type Upstream } from '../support/gateway-upstream.ts';
import { getRequest, HttpLoad, postRequest, type Questions } from '../support/http-load.ts';
import { quantile } from '../support/load.ts';
import type { Benchmark, Report } from './report.ts';

const CONNECTIONS = 32;
const PEOPLE = 2_500;
const BLOCK_MILLIS = 1_000;
/** Blocks after which every part of the gateway knows a size. */
const SETTLED_BLOCKS = 4;
const ROUNDS = 5;
/** Enough for workerd to clean up some times in each round: it stands still for that. */
const CACHED = 30_000;
const UNCACHED = 1_500;
const SUBMITTED = 200;
const STEADY_ROUNDS = 3;
const STEADY_SECONDS = 4;
/** What a cached answer is held against. */
const CALM_MILLIS = 5;
const TIP_SECONDS = 20;
const TIP_POLL_MILLIS = 10;
const MIB = 1024 * 1024;

export const run: Benchmark = async (report) => {
  const bundle = await bundleWorker();
  const gzip = gzipSync(bundle, { level: 9 }).length;
  report.figures('bundle of the Worker', 'kB', { gzip: gzip / 1000, plain: bundle.length / 1000 });
  const node = await startUpstream(PEOPLE, BLOCK_MILLIS);
  const options = {
    trust: node.ready.trust,
    upstreams: [node.ready.url],
    port: 0,
    bundle,
    settings: { ALLOWANCE: '100000000,100000000,100000000' },
  };
  try {
    await coldStart(report, () => startGateway(options));
    const gateway = await startGateway(options);
    try {
      await firstTip(gateway);
      await measure(report, gateway, node);
    } finally {
      await gateway.stop();
    }
  } finally {
    node.close();
  }
};

async function measure(report: Report, gateway: RunningGateway, node: Upstream): Promise<void> {
  const { addresses, payments } = node.ready;
  const size = node.blocks.at(-1)?.size ?? 2;
  const idle = memoryOf(gateway.pid);
  const cached = `/v1/addresses/${addresses[0]}?at=${size}&format=bytes`;
  const proof = await firstAnswer(gateway.url + cached);
  const bare = await startBareWorker(proof.byteLength);
  const [load, bareLoad] = [
    await HttpLoad.open(gateway.url, CONNECTIONS),
    await HttpLoad.open(bare.url, CONNECTIONS),
  ];
  const fresh = freshProofs(node, size);
  const same = (path: string) => {
    const request = getRequest(path);
    return () => request;
  };
  let paid = 0;
  const submit = () => postRequest('/v1/transactions', base64(payments[paid++] as string));
  const spent = new Map<string, number[]>();
  /** Notes what processor time of the server each answer took. */
  const timed = (name: string, pid: number, burst: () => Promise<number>) => async () => {
    const before = processorMillis(pid);
    const count = await burst();
    const each = ((processorMillis(pid) - before) * 1000) / count;
    spent.set(name, [...(spent.get(name) ?? []), each]);
    return count;
  };
  const way = (name: string, burst: () => Promise<number>) => ({
    name,
    run: timed(name, gateway.pid, burst),
  });
  const rows = await report.compare(
    `requests a second, ${CONNECTIONS} connections, proofs of ${proof.byteLength} bytes`,
    [
      {
        name: 'bare Hono',
        run: timed('bare Hono', bare.pid, () => bareLoad.burst(same('/'), CACHED)),
        peer: true,
      },
      way('cached proof', () => load.burst(same(cached), CACHED)),
      way('tip', () => load.burst(same('/checkpoint'), CACHED)),
      way('tile', () => load.burst(same(`/tile/0/000.p/${size}`), CACHED)),
      way('uncached verified proof', () => load.burst(fresh, UNCACHED)),
      way('submit', () => load.burst(submit, SUBMITTED, [200, 202])),
    ],
    { rounds: ROUNDS },
  );
  report.samples('processor time of workerd for each answer', 'µs', Object.fromEntries(spent));
  const rate = (name: string) => rows.get(name)?.median ?? Number.NaN;
  const share = { 'cached proof / bare Hono': rate('cached proof') / rate('bare Hono') };
  report.figures('cached beside bare', '', share, { atLeast: 0.7 });
  report.figures(
    'uncached beside its goal',
    '/s',
    { uncached: rate('uncached verified proof') },
    { atLeast: 500 },
  );

  await atHalfLoad(report, [
    { name: 'cached proof', load, questions: same(cached), most: rate('cached proof') },
    { name: 'tip', load, questions: same('/checkpoint'), most: rate('tip') },
    {
      ...{ name: 'uncached verified proof', load, questions: fresh },
      most: rate('uncached verified proof'),
    },
    { name: 'bare Hono', load: bareLoad, questions: same('/'), most: rate('bare Hono') },
  ]);
  bareLoad.close();
  await bare.close();

  await tipAge(report, gateway, node);
  // Enough different proofs to fill every cache of the isolate several times over.
  for (let round = 0; round < 12; round++) await load.burst(fresh, 1_500, [200, 410]);
  report.figures('memory of workerd, resident', 'MiB', {
    'caches full': memoryOf(gateway.pid) / MIB,
    'after start': idle / MIB,
  });
  load.close();
}

/** A route that is asked at half the greatest rate at which it answered. */
interface Route {
  readonly name: string;
  readonly load: HttpLoad;
  readonly questions: Questions;
  readonly most: number;
}

/** Steady streams in turn, round after round, like everything that is compared. */
async function atHalfLoad(report: Report, routes: readonly Route[]): Promise<void> {
  const rounds: Record<'under' | 'p50' | 'p99', Record<string, number[]>> = {
    under: {},
    p50: {},
    p99: {},
  };
  const pauses: number[] = [];
  const note = (figure: keyof typeof rounds, name: string, value: number) => {
    rounds[figure][name] = [...(rounds[figure][name] ?? []), value];
  };
  for (let round = 0; round < STEADY_ROUNDS; round++) {
    for (const { name, load, questions, most } of routes) {
      const steady = await load.steady(questions, most / 2, STEADY_SECONDS);
      const { millis, statuses, longestPauseMillis } = steady;
      for (const [status, count] of statuses) {
        if (status !== 200) report.note(`${name}: ${count} answers of ${status}`);
      }
      const under = millis.filter((time) => time < CALM_MILLIS).length;
      note('under', name, (100 * under) / millis.length);
      note('p50', name, quantile(millis, 0.5));
      note('p99', name, quantile(millis, 0.99));
      pauses.push(longestPauseMillis);
    }
  }
  const calm = `answers under ${CALM_MILLIS} ms at half load`;
  report.samples(calm, '%', rounds.under, { atLeast: 99 });
  report.samples('half of the answers at half load come within', 'ms', rounds.p50);
  report.samples('99 of 100 answers at half load come within', 'ms', rounds.p99);
  const uncached = rounds.p99['uncached verified proof'] ?? [];
  report.samples('uncached beside its goal', 'ms', { p99: uncached }, { atMost: 50 });
  report.samples('longest pauses of the generator meanwhile', 'ms', { pauses });
}

/** From the start of the process to the first verified tip, and to the first after that. */
async function coldStart(report: Report, start: () => Promise<RunningGateway>): Promise<void> {
  const answered: number[] = [];
  const verified: number[] = [];
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    const gateway = await start();
    answered.push(performance.now() - began);
    await firstTip(gateway);
    verified.push(performance.now() - began);
    await gateway.stop();
  }
  report.samples('cold start of workerd with nothing stored', 'ms', {
    'first verified tip': verified,
    'first answer': answered,
  });
}

async function firstTip({ url }: RunningGateway): Promise<void> {
  await firstAnswer(`${url}/checkpoint`);
}

/** The first answer that is none of a gateway which is not there yet. */
async function firstAnswer(url: string): Promise<ArrayBuffer> {
  for (;;) {
    const response = await fetch(url);
    const body = await response.arrayBuffer();
    if (response.status === 200) return body;
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** How long after its certification a second client sees each tip. */
async function tipAge(report: Report, { url }: RunningGateway, node: Upstream): Promise<void> {
  const seenAt = new Map<number, number>();
  const first = node.blocks.length;
  const end = Date.now() + TIP_SECONDS * 1000;
  let newest = 0;
  while (Date.now() < end) {
    const note = await (await fetch(`${url}/checkpoint`)).text();
    const size = Number(note.split('\n')[1]);
    for (let seen = newest + 1; seen <= size; seen++) seenAt.set(seen, Date.now());
    newest = Math.max(newest, size);
    await new Promise((done) => setTimeout(done, TIP_POLL_MILLIS));
  }
  const ages = node.blocks
    .slice(first, -2)
    .map(({ size, at }) => (seenAt.get(size) ?? Number.POSITIVE_INFINITY) - at)
    .sort((a, b) => a - b);
  report.figures(
    `age of ${ages.length} tips when a second client sees them`,
    'ms',
    { p99: quantile(ages, 0.99), p50: quantile(ages, 0.5) },
    { atMost: 1_000 },
  );
}

/** Every question another address or another size: no cache has seen it. */
function freshProofs({ ready: { addresses }, blocks }: Upstream, from: number): Questions {
  let size = from;
  let next = 0;
  return () => {
    if (next === addresses.length) {
      // One that the gateway has followed to, also on a machine that is busy.
      size = Math.max(size, blocks.at(-SETTLED_BLOCKS)?.size ?? size);
      next = 0;
    }
    return getRequest(`/v1/addresses/${addresses[next++]}?at=${size}&format=bytes`);
  };
}

/** Processor time that a process has used, in user and kernel, in milliseconds. */
function processorMillis(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
