/**
 * `npm run sim`: runs seeds, says what they came to, and makes a failing one small.
 */
import { readFileSync } from 'node:fs';
import { runBatch } from './batch.ts';
import { caseText, goalsText, headText } from './delay-table.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { type MeasuredCase, measureDelays } from './performance.ts';
import type { Plan } from './plan.ts';
import { Progress } from './progress.ts';
import { realCore } from './real-core.ts';
import { type RunReport, run } from './run.ts';
import { shrink } from './shrink.ts';
import { type Summary, summarize, summaryText } from './summary.ts';
import { swarmPlan } from './swarm.ts';

const EXIT_USAGE = 2;
const EXIT_VIOLATION = 8;
/** So many seeds come to every corner. */
const SEEDS_FOR_ALL_CORNERS = 100;
/** Runs spent on making a failing plan small. */
const SHRINK_RUNS = 150;

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  return options.profile === 'swarm' ? runSeeds(options) : measure(options);
}

function measure(options: Options): number {
  const isInHops = options.profile === 'hops';
  const cases: MeasuredCase[] = [];
  if (!options.json) console.log(headText(isInHops));
  for (const one of measureDelays(options)) {
    cases.push(one);
    if (!options.json) console.log(caseText(one, isInHops));
  }
  const goals = isInHops ? { lines: [], areMet: true } : goalsText(cases);
  if (options.json) console.log(JSON.stringify({ options, cases, goals }, null, 2));
  else for (const line of goals.lines) console.log(line);
  return goals.areMet ? 0 : EXIT_VIOLATION;
}

async function runSeeds(options: Options): Promise<number> {
  const plans = plansOf(options);
  const began = performance.now();
  const progress = new Progress(plans.length);
  const reports: RunReport[] = [];
  await runBatch(plans, options, (report) => {
    reports.push(report);
    progress.add(report.violation !== null);
    if (report.violation === null) return;
    progress.clear();
    printViolation(report);
  });
  progress.clear();
  const summary = summarize(reports, (performance.now() - began) / 1_000);
  if (options.json) console.log(JSON.stringify({ options, ...summary }, null, 2));
  else console.log(summaryText(summary));
  const failed = summary.violations.toSorted((a, b) => a.seed - b.seed);
  const [first] = failed;
  if (first === undefined) return areCornersReached(summary) ? 0 : EXIT_VIOLATION;
  const plan = plans.find(({ seed }) => seed === first.seed) as Plan;
  if (options.shrink) await printSmaller(plan, first, options);
  return EXIT_VIOLATION;
}

/** A large batch that never came to some corner proves nothing about it. */
function areCornersReached({ seeds, missed }: Summary): boolean {
  if (seeds < SEEDS_FOR_ALL_CORNERS || missed.length === 0) return true;
  console.error(`${seeds} seeds did not reach: ${missed.join(', ')}`);
  return false;
}

function plansOf(options: Options): Plan[] {
  if (options.plan !== undefined) return [JSON.parse(readFileSync(options.plan, 'utf8'))];
  return Array.from({ length: options.seeds }, (_, i) => swarmPlan(options.firstSeed + i, options));
}

function printViolation({ seed, violation, trace }: RunReport): void {
  if (violation === null) return;
  const at = Math.round(violation.atMillis);
  console.error(`seed ${seed}: ${violation.invariant} broken at ${at} ms, trace ${trace}`);
  console.error(`  ${violation.message}`);
}

async function printSmaller(plan: Plan, report: RunReport, options: Options): Promise<void> {
  console.error(`making seed ${plan.seed} small, at most ${SHRINK_RUNS} runs`);
  const simulation = { makeCore: realCore, realCrypto: options.realCrypto };
  const small = await shrink(plan, report, (smaller) => run(smaller, simulation), SHRINK_RUNS);
  printViolation(small.report);
  console.error(`after ${small.runs} runs; run it again with --plan and this file:`);
  console.error(JSON.stringify(small.plan));
}

process.exitCode = await main();
