/**
 * `npm run faults`: runs scenarios one after another, and says in a table what each came to.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SeededRandom } from 'fanal-node/testnet/random.ts';
import { brokenDisk } from './broken-disk.ts';
import { clocks } from './clocks.ts';
import { fullDisk } from './full-disk.ts';
import { hostilePeers } from './hostile-peers.ts';
import { kills } from './kills.ts';
import { losses } from './losses.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { pauses } from './pauses.ts';
import { powerCuts } from './power-cuts.ts';
import type { FaultReport, Scenario } from './scenario.ts';
import { steady } from './steady.ts';
import { writes } from './writes.ts';
import { wrongState } from './wrong-state.ts';

const SCENARIOS = [
  kills,
  pauses,
  clocks,
  writes,
  brokenDisk,
  fullDisk,
  powerCuts,
  losses,
  wrongState,
  hostilePeers,
  steady,
];
const EXIT_USAGE = 2;
const EXIT_BROKEN = 8;
const NAME_WIDTH = 14;

/** What a scenario came to; `leftOut` says why it was not run. */
interface Outcome extends FaultReport {
  readonly name: string;
  readonly seconds: number;
  readonly leftOut: string | null;
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2), SCENARIOS);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (options.list) {
    for (const scenario of SCENARIOS) console.log(describe(scenario));
    return 0;
  }
  return runAll(options);
}

async function runAll(options: Options): Promise<number> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'fanal-faults-'));
  console.error(`seed ${options.seed}, in ${folder}`);
  const outcomes: Outcome[] = [];
  for (const scenario of options.scenarios) {
    const outcome = await runOne(scenario, resolve(folder, scenario.name), options);
    outcomes.push(outcome);
    if (!options.json) console.log(textOf(outcome));
  }
  const isBroken = outcomes.some(({ findings }) => findings.length > 0);
  if (options.json) console.log(JSON.stringify({ seed: options.seed, outcomes }, null, 2));
  if (options.folder === null && !isBroken) rmSync(folder, { recursive: true, force: true });
  else console.error(`logs and data are in ${folder}`);
  return isBroken ? EXIT_BROKEN : 0;
}

async function runOne(scenario: Scenario, folder: string, options: Options): Promise<Outcome> {
  const { name, times } = scenario;
  const leftOut = scenario.leftOut();
  if (leftOut !== null) return { name, seconds: 0, leftOut, figures: {}, findings: [] };
  mkdirSync(folder, { recursive: true });
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 1_000);
  const random = new SeededRandom(options.seed);
  let report: FaultReport;
  try {
    report = await scenario.run({
      folder,
      times: options.times ?? (options.long ? times.long : times.short),
      minutes: options.minutes,
      random: () => random.next(),
      say: (text) => console.error(`${name} ${seconds()} s: ${text}`),
    });
  } catch (error) {
    report = { figures: {}, findings: [(error as Error).stack ?? `${error}`] };
  }
  const load = `${(loadavg()[2] as number).toFixed(1)} on ${availableParallelism()} processors`;
  const figures = { ...report.figures, 'load, last 15 min': load };
  return { name, seconds: seconds(), leftOut: null, figures, findings: report.findings };
}

function describe({ name, about, times, leftOut }: Scenario): string {
  const missing = leftOut();
  const often = times.long === times.short ? '' : ` ${times.short}, or ${times.long} times`;
  return `${name.padEnd(NAME_WIDTH)}${about};${often}${missing === null ? '' : `; not here: ${missing}`}`;
}

function textOf({ name, seconds, leftOut, figures, findings }: Outcome): string {
  if (leftOut !== null) return `${name.padEnd(NAME_WIDTH)}left out: ${leftOut}`;
  const verdict = findings.length === 0 ? 'all promises kept' : `BROKEN: ${findings.length}`;
  return [
    `${name.padEnd(NAME_WIDTH)}${verdict}, ${seconds} s`,
    ...Object.entries(figures).map(([what, figure]) => `  ${what.padEnd(36)}${figure}`),
    ...findings.map((finding) => `  ! ${finding}`),
  ].join('\n');
}

process.exitCode = await main();
