/**
 * Runs the benchmarks: `npm run bench [-- name… --seed 1 --rounds 7 --out artifacts/bench.json]`.
 *
 * Prints the machine, versions and seed, then each benchmark's tables, and writes the same as JSON.
 * Absolute figures hold for this machine in this hour; what is compared was run side by side.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Benchmark, createReport, type Table } from './report.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ENDING = '.bench.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'artifacts/bench.json') },
  },
});
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => file.slice(0, -ENDING.length))
  .sort();
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  process.exit(2);
}
const names = positionals.length > 0 ? positionals : known;
const seed = Number(values.seed);
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const machine = describeMachine();
const tables: Table[] = [];
const failures: string[] = [];

for (const [name, value] of Object.entries(machine)) console.log(`${name.padEnd(10)} ${value}`);
console.log(`${'seed'.padEnd(10)} ${seed}`);
for (const benchmark of names) {
  console.log(`\n${benchmark}`);
  const start = performance.now();
  try {
    const module = (await import(`./${benchmark}${ENDING}`)) as { run: Benchmark };
    await module.run(createReport({ benchmark, seed, rounds, tables, print: console.log }));
  } catch (error) {
    failures.push(benchmark);
    console.error(`  failed: ${error instanceof Error ? error.stack : error}`);
  }
  console.log(`\n  (${((performance.now() - start) / 1000).toFixed(1)} s)`);
}
mkdirSync(dirname(resolve(values.out)), { recursive: true });
const result = { schema: 'fanal-bench/v1', machine, seed, failures, tables };
writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
console.log(`\nwritten to ${values.out}`);
process.exitCode = failures.length === 0 ? 0 : 1;

function describeMachine(): Record<string, string> {
  const [first] = cpus();
  const versions = ['@noble/curves', '@noble/hashes', 'sodium-native', '@chainsafe/hashtree']
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', ');
  return {
    processor: `${cpus().length} × ${first?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    system: `${platform()} ${release()}, load ${loadavg()
      .map((load) => load.toFixed(2))
      .join(' ')}`,
    node: `${process.version}, V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}`,
    packages: versions,
    commit: commitNow(),
    date: new Date().toISOString(),
  };
}

function versionOf(name: string): string {
  const path = join(ROOT, 'node_modules', name, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')).version;
}

function commitNow(): string {
  try {
    const git = (...words: string[]) => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' });
    return `${git('rev-parse', '--short', 'HEAD').trim()}${git('status', '--porcelain') === '' ? '' : ' and uncommitted changes'}`;
  } catch {
    return 'unknown';
  }
}
