/**
 * What a batch of seeds came to: violations, corners reached, promises kept, speed.
 */
import { MUST_HIT } from './checkers/counters.ts';
import type { RunReport } from './run.ts';

export interface Summary {
  readonly seeds: number;
  readonly violations: readonly RunReport[];
  readonly counters: Readonly<Record<string, number>>;
  /** Corners that no seed reached. */
  readonly missed: readonly string[];
  readonly marks: Readonly<Record<string, number>>;
  /** The slowest seed's milliseconds from the healing to each kept promise, and the median. */
  readonly promises: Readonly<Record<string, { readonly median: number; readonly most: number }>>;
  readonly steps: number;
  readonly commits: number;
  readonly blocks: number;
  readonly payments: number;
  readonly virtualSeconds: number;
  /** Processor seconds of all runs. */
  readonly runSeconds: number;
  readonly wallSeconds: number;
  /** Virtual time per processor time: how many times real time one core goes. */
  readonly speed: number;
}

export function summarize(reports: readonly RunReport[], wallSeconds: number): Summary {
  const sum = (pick: (report: RunReport) => number) =>
    reports.reduce((total, report) => total + pick(report), 0);
  const counters = addUp(reports.map((report) => report.counters));
  const virtualSeconds = sum((report) => report.virtualSeconds);
  const runSeconds = sum((report) => report.processorSeconds);
  return {
    seeds: reports.length,
    violations: reports.filter((report) => report.violation !== null),
    counters,
    missed: MUST_HIT.filter((name) => (counters[name] ?? 0) === 0),
    marks: addUp(reports.map((report) => report.marks)),
    promises: promisesOf(reports),
    steps: sum((report) => report.steps),
    commits: sum((report) => report.commits),
    blocks: sum((report) => report.blocks),
    payments: sum((report) => report.payments),
    virtualSeconds,
    runSeconds,
    wallSeconds,
    speed: virtualSeconds / runSeconds,
  };
}

/** The summary as a table for people. */
export function summaryText(summary: Summary): string {
  const rows: [string, string][] = [
    ['seeds', String(summary.seeds)],
    ['violations', String(summary.violations.length)],
    ['virtual time', `${Math.round(summary.virtualSeconds)} s`],
    [
      'processor time',
      `${Math.round(summary.runSeconds)} s, in ${Math.round(summary.wallSeconds)} s`,
    ],
    ['speed', `${summary.speed.toFixed(1)} × real time per core`],
    ['steps', String(summary.steps)],
    ['commits', String(summary.commits)],
    ['blocks', String(summary.blocks)],
    ['payments settled', String(summary.payments)],
    ...Object.entries(summary.promises).map(([promise, { median, most }]): [string, string] => [
      `${promise} kept after`,
      `${Math.round(median)} ms in the median, ${Math.round(most)} ms at most`,
    ]),
    ...MUST_HIT.map((name): [string, string] => {
      const count = summary.counters[name] ?? 0;
      return [name, count === 0 ? 'not reached' : String(count)];
    }),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function promisesOf(reports: readonly RunReport[]): Summary['promises'] {
  const times = new Map<string, number[]>();
  for (const { kept } of reports) {
    for (const [promise, millis] of Object.entries(kept)) {
      const list = times.get(promise) ?? [];
      list.push(millis);
      times.set(promise, list);
    }
  }
  const names = [...times.keys()].sort();
  return Object.fromEntries(
    names.map((name) => {
      const sorted = (times.get(name) ?? []).sort((a, b) => a - b);
      const median = sorted[sorted.length >> 1] ?? 0;
      return [name, { median, most: sorted.at(-1) ?? 0 }];
    }),
  );
}

function addUp(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const record of records) {
    for (const [name, count] of Object.entries(record)) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}
