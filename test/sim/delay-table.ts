/**
 * The table of measured delays, and whether they are what was set as a goal.
 */
import { HOP_MILLIS, type MeasuredCase, type Trouble } from './performance.ts';
import type { Spread } from './samples.ts';

type Column = 'leader' | 'vertex' | 'transaction' | 'certified' | 'first';

const COLUMNS: readonly Column[] = ['leader', 'vertex', 'transaction', 'certified', 'first'];

interface Goal {
  readonly nodes: number;
  readonly trouble: Trouble;
  readonly column: Column;
  readonly at: 'p50' | 'p99';
  readonly millis: number;
}

/** No fault that is listed here may hold up a thousand validators longer. */
const GATE_MILLIS = 10_000;

/** On the measured wide-area network. */
const GOALS: readonly Goal[] = [
  { nodes: 100, trouble: 'none', column: 'leader', at: 'p50', millis: 450 },
  { nodes: 100, trouble: 'none', column: 'transaction', at: 'p50', millis: 600 },
  { nodes: 100, trouble: 'none', column: 'certified', at: 'p50', millis: 750 },
  { nodes: 1_000, trouble: 'none', column: 'first', at: 'p50', millis: 1_000 },
  { nodes: 1_000, trouble: 'none', column: 'first', at: 'p99', millis: 1_500 },
  { nodes: 1_000, trouble: 'a third crashed', column: 'leader', at: 'p50', millis: 4_000 },
  { nodes: 1_000, trouble: 'a third crashed, warm', column: 'leader', at: 'p50', millis: 2_000 },
  { nodes: 1_000, trouble: 'none', column: 'transaction', at: 'p99', millis: GATE_MILLIS },
  {
    nodes: 1_000,
    trouble: 'a third crashed',
    column: 'transaction',
    at: 'p99',
    millis: GATE_MILLIS,
  },
  {
    nodes: 1_000,
    trouble: 'a third never votes',
    column: 'transaction',
    at: 'p99',
    millis: GATE_MILLIS,
  },
];

/** The head of the table that `caseText` fills. */
export function headText(isInHops: boolean): string {
  const unit = isInHops ? 'message hops' : 'milliseconds';
  const head = row(
    '',
    'n',
    'who fails',
    COLUMNS.map((name) => HEADS[name]),
    'commits',
    'run',
  );
  return `${unit}, median/99th percentile\n${head}`;
}

const HEADS: Readonly<Record<Column, string>> = {
  leader: 'leader',
  vertex: 'any vertex',
  transaction: 'transaction',
  certified: 'certified',
  first: 'first commit',
};

export function caseText(one: MeasuredCase, isInHops: boolean): string {
  const scale = isInHops ? HOP_MILLIS : 1;
  return row(
    one.system,
    String(one.nodes),
    one.trouble,
    COLUMNS.map((column) => spreadText(one[column], scale)),
    String(one.commits),
    `${one.virtualSeconds.toFixed(1)} s in ${one.wallSeconds.toFixed(0)} s`,
  );
}

/** One line for each goal that these cases are held to, and whether all were met. */
export function goalsText(cases: readonly MeasuredCase[]): { lines: string[]; areMet: boolean } {
  const lines: string[] = [];
  let areMet = true;
  for (const { nodes, trouble, column, at, millis } of GOALS) {
    const found = cases.find(
      (one) => one.system === 'fanal' && one.nodes === nodes && one.trouble === trouble,
    );
    if (found === undefined) continue;
    const measured = found[column][at];
    const isMet = measured !== null && measured <= millis;
    areMet &&= isMet;
    const verdict = isMet ? 'met' : 'MISSED';
    lines.push(
      `goal ${verdict}: ${HEADS[column]} ${at} with ${nodes}, ${trouble}: ${measured ?? '–'} of at most ${millis} ms`,
    );
  }
  return { lines, areMet };
}

function spreadText({ p50, p99 }: Spread, scale: number): string {
  const text = (value: number | null) => {
    if (value === null) return '–';
    return scale === 1 ? String(value) : (value / scale).toFixed(1);
  };
  return `${text(p50)}/${text(p99)}`;
}

function row(
  system: string,
  nodes: string,
  trouble: string,
  delays: readonly string[],
  commits: string,
  run: string,
): string {
  return [
    system.padEnd(10),
    nodes.padStart(5),
    trouble.padEnd(22),
    ...delays.map((delay) => delay.padStart(13)),
    commits.padStart(8),
    run,
  ].join(' ');
}
