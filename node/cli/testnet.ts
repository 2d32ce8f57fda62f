/**
 * `fanal testnet`: a network of many validators to try, to break and to judge.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { TestnetOptions } from '../testnet/options.ts';
import type { TestnetReport } from '../testnet/report.ts';
import type { TestnetProgress } from '../testnet/testnet.ts';
import { EXIT, UsageError } from './exit.ts';
import { type Output, toJson } from './output.ts';
import type { Action } from './program.ts';
import { registerTestnetFiles } from './testnet-files.ts';

interface RunFlags {
  readonly validators: string;
  readonly duration: string;
  readonly tps: string;
  readonly latency: string;
  readonly jitter: string;
  readonly loss: string;
  readonly byzantine: string;
  readonly fault?: string[];
  readonly seed: string;
  readonly threads: string;
  readonly report?: string;
  readonly folder?: string;
  readonly resume?: string;
}

const collect = (value: string, before: string[] = []) => [...before, value];
const LINE_MILLIS = 10_000;
const MOST_CELLS = 30;
const LEAST_CELLS = 8;

export function registerTestnet(program: Command, action: Action): void {
  const testnet = program.command('testnet').description('networks to try and to break');
  registerTestnetFiles(testnet, action);
  testnet
    .command('run')
    .description('run many validators with real cryptography in one process, and judge them')
    .option('-n, --validators <count>', 'how many', '4')
    .option('--duration <time>', 'how long, such as 30s, 5m or 24h', '1m')
    .option('--tps <count>', 'payments handed in each second', '100')
    .option('--latency <time>', 'one way, on every link', '0ms')
    .option('--jitter <time>', 'up to so much more', '0ms')
    .option('--loss <share>', 'messages that are lost at first, such as 1%', '0%')
    .option('--byzantine <count>', 'members that never speak', '0')
    .option(
      '--fault <fault>',
      'kind@at:for[:count], kinds kill, stop, pause, partition, clock; or restart@at[:count]; repeatable',
      collect,
    )
    .option('--seed <number>', 'of keys, delays and choices', '1')
    .option('--threads <count>', 'threads for the validators', String(availableParallelism()))
    .option('--report <file>', 'where the report goes, as JSON')
    .option('--folder <folder>', 'keep what is found here, so that a killed run can go on')
    .option('--resume <folder>', 'go on with the run there; all but --report is as it was')
    .action(
      action<RunFlags>(async ({ output, signal }, flags) => {
        const { runTestnet } = await import('../testnet/run.ts');
        const { RunFolder } = await import('../testnet/run-folder.ts');
        const begun = flags.resume === undefined ? null : RunFolder.open(flags.resume);
        const given = begun?.options ?? (await readFlags(flags));
        const folder =
          flags.folder === undefined || begun !== null
            ? begun
            : RunFolder.begin(flags.folder, given);
        const options = folder?.rest ?? given;
        if (begun !== null && begun.rest !== null) {
          const left = clock(options.durationMillis);
          output.progress(`Going on with part ${begun.parts + 1}: ${left} are left.`);
        }
        const onProgress = progressOn(output, options, process.stderr.isTTY);
        const report = await runTestnet(options, signal, onProgress, folder);
        output.status('');
        if (flags.report !== undefined) writeFileSync(flags.report, `${toJson(report, 2)}\n`);
        print(output, report);
        if (report.interrupted) return EXIT.interrupted;
        return report.result === 'pass' ? EXIT.ok : EXIT.checksNotMet;
      }),
    );
}

async function readFlags(flags: RunFlags): Promise<TestnetOptions> {
  const { checkOptions, parseDuration, parseFault, parseShare } = await import(
    '../testnet/options.ts'
  );
  try {
    const validators = count('-n', flags.validators);
    const options: TestnetOptions = {
      validators,
      byzantine: count('--byzantine', flags.byzantine),
      durationMillis: parseDuration(flags.duration),
      paymentsPerSecond: count('--tps', flags.tps),
      links: {
        latencyMillis: parseDuration(flags.latency),
        jitterMillis: parseDuration(flags.jitter),
        loss: parseShare(flags.loss),
      },
      faults: (flags.fault ?? []).map((text) => parseFault(text, validators)),
      seed: count('--seed', flags.seed),
      threads: count('--threads', flags.threads),
    };
    checkOptions(options);
    return options;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError((error as Error).message, (error as { hint?: string }).hint);
  }
}

function count(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`${flag}: expected a whole number, found ${text}`);
  return Number(text);
}

/** A bar on a terminal; elsewhere a line each ten seconds. */
function progressOn(output: Output, options: TestnetOptions, live: boolean) {
  let lineAt = 0;
  return (progress: TestnetProgress) => {
    const text = progressText(progress, options);
    if (live) {
      const done = Math.min(1, progress.elapsedMillis / options.durationMillis);
      const columns = process.stderr.columns ?? 80;
      const width = Math.min(MOST_CELLS, Math.max(LEAST_CELLS, columns - text.length - 4));
      const cells = Math.round(done * width);
      output.status(`[${'█'.repeat(cells)}${' '.repeat(width - cells)}] ${text}`);
    } else if (progress.elapsedMillis >= lineAt) {
      lineAt += LINE_MILLIS;
      output.progress(text);
    }
  };
}

function progressText(progress: TestnetProgress, options: TestnetOptions): string {
  const { elapsedMillis, height, certifiedHeight, txPerSecond, live } = progress;
  const percent = Math.floor((100 * elapsedMillis) / options.durationMillis);
  return [
    `${percent} %`,
    `${clock(elapsedMillis)} / ${clock(options.durationMillis)}`,
    `height ${height}`,
    `${txPerSecond.toFixed(0)} tx/s`,
    `live ${live}/${options.validators}`,
    `faults ${progress.faultsDone}/${options.faults.length}`,
    ...(height - certifiedHeight > 1n ? [`certified ${certifiedHeight}`] : []),
  ].join('  ');
}

function clock(millis: number): string {
  const seconds = Math.floor(millis / 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

function print(output: Output, report: TestnetReport): void {
  const { latencySeconds, throughput, chain, resources } = report;
  const seconds = (value: number | null) => (value === null ? '–' : `${value.toFixed(2)} s`);
  const spread = ({ p50, p95, max }: TestnetReport['latencySeconds']['commit']) =>
    `p50 ${seconds(p50)}, p95 ${seconds(p95)}, max ${seconds(max)}`;
  output.object(report.schema, report, [
    ['result', report.result],
    ...report.checks.map(
      ({ id, ok, actual }) => [`${ok ? 'ok  ' : 'FAIL'} ${id}`, actual] as const,
    ),
    ['height', `${chain.height}, certified ${chain.certifiedHeight}, ${chain.rounds} rounds`],
    ['commit', spread(latencySeconds.commit)],
    ['payment executed', spread(latencySeconds.executed)],
    ['payment certified', spread(latencySeconds.certified)],
    ['throughput', `${throughput.txPerSecond.mean} tx/s, peak ${throughput.txPerSecond.peak}`],
    ['signatures', `${resources.signaturesVerified} in ${resources.signatureSeconds} s`],
    ['CPU', `${resources.cpuSeconds} s in ${report.run.durationSeconds} s`],
    ['memory', `${Math.round(resources.rssPeakBytes / 2 ** 20)} MiB`],
  ]);
}
