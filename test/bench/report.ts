/**
 * What a benchmark measures with and writes to.
 *
 * Contenders run in turn, round after round, so that a slow minute of the machine hurts them all
 * alike; a row is the median of its rounds with the spread beside it.
 */

/** A benchmark: `test/bench/<name>.bench.ts` exports one as `run`. */
export type Benchmark = (report: Report) => Promise<void>;

/** One way of doing a piece of work. */
export interface Contender {
  readonly name: string;
  /** Does the work once and returns how many operations that was. */
  readonly run: () => number | Promise<number>;
  /** Tells Fanal's own ways from peers'. */
  readonly peer?: boolean;
}

/** What a figure should be at least, or at most. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  /** The least and the greatest round; the same as the median for a size. */
  readonly least: number;
  readonly greatest: number;
  readonly peer: boolean;
  readonly goal?: Goal;
}

export interface Table {
  readonly benchmark: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

export interface Report {
  /** The same seed gives the same inputs. */
  readonly seed: number;
  /**
   * Times contenders side by side and prints operations a second.
   *
   * @returns the rows by name
   */
  compare(
    title: string,
    contenders: readonly Contender[],
    options?: { readonly rounds?: number; readonly unit?: string; readonly goal?: Goal },
  ): Promise<ReadonlyMap<string, Row>>;
  /** Prints figures that need no timing: bytes, counts. The goal is for the first row. */
  figures(title: string, unit: string, values: Readonly<Record<string, number>>, goal?: Goal): void;
  /** Prints times or rates that the benchmark took itself, one sample a round. */
  samples(
    title: string,
    unit: string,
    values: Readonly<Record<string, readonly number[]>>,
    goal?: Goal,
  ): void;
  /** Prints a line that explains what follows. */
  note(text: string): void;
}

const DEFAULT_ROUNDS = 7;

/** Makes the report of one benchmark. Finished tables go to `tables`. */
export function createReport(options: {
  readonly benchmark: string;
  readonly seed: number;
  readonly rounds: number | undefined;
  readonly tables: Table[];
  readonly print: (line: string) => void;
}): Report {
  const { benchmark, seed, tables, print } = options;
  const finish = (title: string, rows: readonly Row[]): void => {
    tables.push({ benchmark, title, rows });
    for (const line of formatTable(title, rows)) print(line);
  };
  const figure = (name: string, unit: string, rounds: readonly number[]): Row => {
    const sorted = rounds.toSorted((a, b) => a - b);
    return {
      name,
      unit,
      median: medianOf(sorted),
      least: sorted[0] ?? Number.NaN,
      greatest: sorted.at(-1) ?? Number.NaN,
      peer: false,
    };
  };
  const withGoal = (rows: readonly Row[], goal: Goal | undefined): Row[] =>
    rows.map((row, i) => (i === 0 && goal !== undefined ? { ...row, goal } : row));

  return {
    seed,
    async compare(title, contenders, { rounds, unit = '/s', goal } = {}) {
      const samples = contenders.map((): number[] => []);
      for (let round = -1; round < (options.rounds ?? rounds ?? DEFAULT_ROUNDS); round++) {
        for (const [i, contender] of contenders.entries()) {
          const start = performance.now();
          const count = await contender.run();
          const seconds = (performance.now() - start) / 1000;
          // The first round warms up compiled code and caches.
          if (round >= 0) samples[i]?.push(count / seconds);
        }
      }
      const rows = contenders.map(({ name, peer = false }, i) => ({
        ...figure(name, unit, samples[i] ?? []),
        peer,
      }));
      finish(title, withGoal(rows, goal));
      return new Map(rows.map((row) => [row.name, row]));
    },
    figures(title, unit, values, goal) {
      const rows = Object.entries(values).map(([name, value]) => figure(name, unit, [value]));
      finish(title, withGoal(rows, goal));
    },
    samples(title, unit, values, goal) {
      const rows = Object.entries(values).map(([name, rounds]) => figure(name, unit, rounds));
      finish(title, withGoal(rows, goal));
    },
    note: (text) => print(`  ${text}`),
  };
}

/** A repeatable stream of numbers from 0 to below 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function formatTable(title: string, rows: readonly Row[]): string[] {
  const names = Math.max(...rows.map(({ name }) => name.length));
  const [first] = rows;
  return [
    '',
    `  ${title}`,
    ...rows.map((row) => {
      const value = `${formatNumber(row.median)} ${row.unit}`.padStart(18);
      const spread =
        row.least === row.greatest
          ? ''
          : `${formatNumber(row.least)}–${formatNumber(row.greatest)}`;
      const ratio =
        first !== undefined && row !== first ? `×${(row.median / first.median).toFixed(2)}` : '';
      const notes = [ratio, row.peer ? 'peer' : '', formatGoal(row)].filter(Boolean).join('  ');
      return `    ${row.name.padEnd(names)} ${value}  ${spread.padEnd(22)} ${notes}`.trimEnd();
    }),
  ];
}

function formatGoal({ goal, median }: Row): string {
  if (goal === undefined) return '';
  const isLeast = 'atLeast' in goal;
  const limit = isLeast ? goal.atLeast : goal.atMost;
  const isMet = isLeast ? median >= limit : median <= limit;
  return `goal ${isLeast ? '≥' : '≤'} ${formatNumber(limit)}: ${isMet ? 'met' : 'MISSED'}`;
}

function formatNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 3;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
