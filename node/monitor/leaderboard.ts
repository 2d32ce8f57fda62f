/**
 * The validators as rows of a table, in the order and with the filter that a person has chosen.
 */
import { COSIGNED_ENOUGH } from './alarms.ts';
import type { MonitorSample, ValidatorRow } from './sample.ts';
import { cut, duration, grouped, type Line, percent, span, type Tone } from './text.ts';

export type SortKey = 'rank' | 'stake' | 'missed' | 'name' | 'latency';
export const SORT_KEYS: readonly SortKey[] = ['rank', 'stake', 'missed', 'name', 'latency'];

/** What the person at the keyboard has chosen. */
export interface View {
  readonly sort: SortKey;
  /** Shows validators whose name contains this. */
  readonly filter: string;
  /** First validator row shown. */
  readonly scroll: number;
  readonly paused: boolean;
  readonly help: boolean;
}

export const FIRST_VIEW: View = { sort: 'rank', filter: '', scroll: 0, paused: false, help: false };

const TITLES = [
  'rank',
  'name',
  'stake',
  'cosigned',
  'accuracy',
  'rounds',
  'rewards',
  'rtt',
  'version',
];
/** Column widths on a narrow and on a wide terminal. */
const NARROW = [5, 13, 8, 10, 10, 9, 9, 8, 8];
const WIDE = [5, 24, 10, 11, 11, 12, 12, 11, 14];

/** The table in exactly `rows` lines. */
export function leaderboard(
  { validators }: MonitorSample,
  view: View,
  rows: number,
  columns: number,
): Line[] {
  const widths = columns >= 110 ? WIDE : NARROW;
  const all = sortRows(
    validators.filter(({ name }) => name.includes(view.filter)),
    view.sort,
  );
  const room = Math.max(1, rows - 2);
  const first = Math.min(view.scroll, Math.max(0, all.length - room));
  const filter = view.filter === '' ? '' : `   filter: ${view.filter}`;
  const silent = validators.filter(({ isSilent }) => isSilent).length;
  const lines: Line[] = [
    [
      span(' VALIDATORS', 'bold'),
      span(`   ${grouped(validators.length)} active`),
      span(silent === 0 ? '' : `, ${grouped(silent)} silent`, 'bad'),
      span(`   sort: ${view.sort}${filter}`, 'dim'),
    ],
    [span(cellsText(TITLES, widths), 'dim')],
    ...all.slice(first, first + room).map((row) => boardLine(row, widths)),
  ];
  const below = all.length - first - room;
  if (below > 0) lines[rows - 1] = [span(`   … ${below + 1} more`, 'dim')];
  while (lines.length < rows) lines.push([span('')]);
  return lines;
}

function boardLine(row: ValidatorRow, widths: readonly number[]): Line {
  const [mark, tone] = markOf(row);
  const cells = [
    `${row.rank}`,
    row.name,
    percent(row.stakeShare, 2),
    percent(row.cosigned, 2),
    percent(row.accuracy, 2),
    grouped(row.rounds),
    row.rewards.toFixed(2),
    row.isSilent ? 'silent' : row.isAsked ? 'itself' : duration(row.latencyMillis),
    row.version ?? '–',
  ];
  return [span(mark, tone), span(cellsText(cells, widths).slice(1), tone)];
}

/** What stands before a row, and its colour: the gravest thing first. */
function markOf({ accuracy, isSilent, cosigned }: ValidatorRow): readonly [string, Tone] {
  if (accuracy !== null && accuracy < 1) return ['!', 'bad'];
  if (isSilent) return ['x', 'bad'];
  if (cosigned !== null && cosigned < COSIGNED_ENOUGH) return ['~', 'warn'];
  return [' ', 'plain'];
}

/** Cells in their columns; the name stands left, numbers right. */
function cellsText(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => {
      const width = widths[index] as number;
      if (index === 1) return `  ${cut(cell, width - 2).padEnd(width - 2)}`;
      return cut(cell, width - 1).padStart(width);
    })
    .join('');
}

/** Orders the table; ties by rank. */
export function sortRows(rows: readonly ValidatorRow[], sort: SortKey): ValidatorRow[] {
  const by: Record<SortKey, (row: ValidatorRow) => number | string> = {
    rank: (row) => row.rank,
    stake: (row) => -row.stakeShare,
    // A silent one will have missed most.
    missed: (row) => (row.isSilent ? -1 : (row.cosigned ?? 0)),
    name: (row) => row.name,
    latency: (row) => -(row.latencyMillis ?? 0),
  };
  const key = by[sort];
  return [...rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x < y ? -1 : x > y ? 1 : a.rank - b.rank;
  });
}
