/**
 * `npm run fuzz -- [--seconds 60] [--mutations N] [--seed N] [--threads N] [--only NAME] [--json]`
 *
 * Changes valid answers of every kind that a light client checks, millions of times, and asks
 * whether any changed one is believed. Also feeds every decoder. Exits with 8 if anything wrong was
 * accepted, thrown without a type, or took longer than a second.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Finding, FuzzReport, Tally } from './run.ts';
import type { WorkerMessage, WorkerTask } from './worker.ts';

const FOUND_SOMETHING = 8;
const USAGE = 2;
/** Seeds of different threads do not meet. */
const SEEDS_PER_THREAD = 100_000_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    mutations: { type: 'string' },
    seed: { type: 'string' },
    threads: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

function numberOf(name: 'seconds' | 'mutations' | 'seed' | 'threads', otherwise: number): number {
  const text = values[name];
  if (text === undefined) return otherwise;
  if (!/^[0-9]+$/.test(text)) {
    console.error(`--${name}: expected a whole number, found ${text}`);
    process.exit(USAGE);
  }
  return Number(text);
}

const threads = Math.max(1, numberOf('threads', availableParallelism()));
const mutations = numberOf('mutations', Number.MAX_SAFE_INTEGER);
const seconds = numberOf('seconds', values.mutations === undefined ? 60 : Number.MAX_SAFE_INTEGER);
const seed = numberOf('seed', Date.now() % 1_000_000_000);
const started = performance.now();
const done = new Array<number>(threads).fill(0);
let shownAt = started;

const reports = await Promise.all(done.map((_, i) => runThread(i, Math.ceil(mutations / threads))));
const millis = performance.now() - started;
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
const tallies = joined(reports);
const findings = reports.flatMap((report) => report.findings);
const total = tallies.reduce((sum, tally) => sum + tally.mutations, 0);
if (values.json) printJson();
else printSummary();
process.exitCode = tallies.some((tally) => tally.findings > 0) ? FOUND_SOMETHING : 0;

function runThread(index: number, share: number): Promise<FuzzReport> {
  const task: WorkerTask = {
    seed: seed + index * SEEDS_PER_THREAD,
    mutations: share,
    seconds,
    only: values.only ?? null,
  };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
  return new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'done') return resolve(message.report);
      done[index] = message.mutations;
      showProgress();
    });
  });
}

function showProgress(): void {
  const now = performance.now();
  if (now - shownAt < (process.stderr.isTTY ? 200 : 10_000)) return;
  shownAt = now;
  const count = done.reduce((sum, n) => sum + n, 0);
  const elapsed = (now - started) / 1_000;
  const part = Math.max(count / mutations, elapsed / seconds);
  const bar = '█'.repeat(Math.round(part * 30)).padEnd(30);
  const line = `[${bar}] ${Math.round(part * 100)} %  ${count.toLocaleString('en')} mutations  ${Math.round(count / elapsed).toLocaleString('en')}/s`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
}

function joined(all: readonly FuzzReport[]): Tally[] {
  const byTarget = new Map<string, Tally>();
  for (const tally of all.flatMap((report) => report.tallies)) {
    const sum = byTarget.get(tally.target);
    if (sum === undefined) {
      byTarget.set(tally.target, { ...tally });
      continue;
    }
    sum.mutations += tally.mutations;
    sum.refused += tally.refused;
    sum.unharmed += tally.unharmed;
    sum.findings += tally.findings;
  }
  return [...byTarget.values()];
}

function printSummary(): void {
  const rows = tallies.map(({ target, mutations: n, refused, unharmed, findings: bad }) =>
    [target.padEnd(26), n, refused, unharmed, bad]
      .map((cell) => String(cell).padStart(10))
      .join('  '),
  );
  const head = ['answer or decoder'.padEnd(26), 'mutations', 'refused', 'still true', 'wrong'];
  console.log(head.map((cell) => cell.padStart(10)).join('  '));
  for (const row of rows) console.log(row);
  for (const finding of findings) console.log(`\n${explain(finding)}`);
  const wrong = tallies.reduce((sum, tally) => sum + tally.findings, 0);
  const rate = Math.round((total / millis) * 1_000).toLocaleString('en');
  console.log(
    `\n${total.toLocaleString('en')} mutations in ${(millis / 1_000).toFixed(1)} s (${rate}/s on ${threads} threads, seed ${seed}): ${wrong} wrongly accepted, untyped or hanging`,
  );
}

function explain({ target, kind, message, seed: at, question, answer }: Finding): string {
  return `${kind} in ${target}, seed ${at}, question ${question}: ${message}\n  ${answer.slice(0, 4_000)}`;
}

function printJson(): void {
  const report = {
    schema: 'fanal.fuzz/1',
    seed,
    threads,
    seconds: millis / 1_000,
    mutations: total,
    wrong: tallies.reduce((sum, tally) => sum + tally.findings, 0),
    targets: tallies,
    findings,
    host: { node: process.version, platform: `${process.platform}-${process.arch}` },
  };
  console.log(JSON.stringify(report, null, 2));
}
