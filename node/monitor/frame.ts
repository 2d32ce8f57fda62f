/**
 * One frame of the monitor as lines of text: a pure function of what was sampled and the terminal's
 * size, so that tests compare whole screens.
 */
import type { Health, MonitorEvent, MonitorSample, ValidatorRow } from './sample.ts';
import {
  ageText,
  bar,
  bytesText,
  duration,
  fit,
  graph,
  grouped,
  type Line,
  percent,
  type Span,
  span,
  spread,
  type Tone,
} from './text.ts';

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

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export const SMALLEST: Size = { columns: 80, rows: 24 };

/** Samples of commit latency that the graph shows. */
export const HISTORY_SAMPLES = 120;

/** Two thirds: less cosigned stake certifies nothing. */
const QUORUM = 2 / 3;

const HEALTH: Readonly<Record<Health, readonly [string, Tone]>> = {
  healthy: ['● healthy', 'good'],
  degraded: ['▲ degraded', 'warn'],
  unhealthy: ['■ unhealthy', 'bad'],
  unreachable: ['✕ unreachable', 'bad'],
};

/**
 * Draws a frame of exactly `size.rows` lines of `size.columns` columns.
 *
 * @param latencies commit latencies in milliseconds, oldest first
 */
export function drawFrame(
  sample: MonitorSample,
  latencies: readonly number[],
  view: View,
  size: Size,
): Line[] {
  const columns = Math.max(size.columns, SMALLEST.columns);
  const rows = Math.max(size.rows, SMALLEST.rows);
  const left = Math.floor(columns / 2);
  const right = columns - left;
  const tall = rows >= 36;
  const graphRows = tall ? 4 : 1;

  const top = zip(
    consensusPanel(sample, latencies, left, graphRows),
    checkpointPanel(sample, right, graphRows),
    left,
    right,
  );
  const middle = zip(throughputPanel(sample), mempoolPanel(sample), left, right);
  const fixed = 1 + top.length + middle.length + 2;
  const eventRows = tall ? 6 : 3;
  const boardRows = rows - fixed - eventRows - 1;
  const lines: Line[] = [
    titleLine(sample, view, columns),
    ...top,
    ...middle,
    ...(view.help ? helpPanel(boardRows) : board(sample, view, boardRows, columns)),
    ...nodePanel(sample),
    ...eventsPanel(sample.events, eventRows),
    keysLine(),
  ];
  return lines.slice(0, rows).map((line) => fit(line, columns));
}

function titleLine(sample: MonitorSample, view: View, columns: number): Line {
  const [word, tone] = HEALTH[sample.health];
  const name = [span(' fanal', 'bold'), span(`  ${sample.network}  ${sample.version}  `)];
  const paused = view.paused ? [span('  PAUSED', 'warn')] : [];
  const where = `epoch ${sample.epoch}   height ${grouped(sample.height)}   ${ageText(sample.headAgeSeconds)} ago `;
  return spread([...name, span(word, tone), ...paused], [span(where)], columns);
}

function consensusPanel(
  sample: MonitorSample,
  latencies: readonly number[],
  width: number,
  graphRows: number,
): Line[] {
  const commit = sample.commitMillis;
  const drawn = graph(latencies, Math.min(HISTORY_SAMPLES / 2, width - 14), graphRows);
  return [
    heading('CONSENSUS'),
    [span(` commit ${grouped(sample.commitIndex)}   round ${grouped(sample.round)}`)],
    [
      span(' p50 '),
      span(duration(commit?.p50 ?? null), latencyTone(commit?.p50 ?? null)),
      span(`   p95 ${duration(commit?.p95 ?? null)}   p99 ${duration(commit?.p99 ?? null)}`),
    ],
    ...drawn.map((text, index) => [
      span(' '),
      span(text, 'accent'),
      ...(index === drawn.length - 1
        ? [span(`  last ${Math.min(latencies.length, HISTORY_SAMPLES)}`, 'dim')]
        : []),
    ]),
    [
      span(
        sample.leaders === null
          ? ' leader slots –'
          : ` leader slots ${percent(sample.leaders.direct)} direct, ${grouped(sample.leaders.skipped)} skipped`,
      ),
    ],
  ];
}

function checkpointPanel(sample: MonitorSample, width: number, graphRows: number): Line[] {
  const share = sample.cosignedStake;
  const tone: Tone =
    share === null ? 'dim' : share <= QUORUM ? 'bad' : share < 0.75 ? 'warn' : 'good';
  const margin = share === null ? null : share - QUORUM;
  return [
    heading('CHECKPOINT'),
    [
      span(
        ` certified ${grouped(sample.certifiedHeight)}   ${ageText(sample.checkpointAgeSeconds)} ago`,
      ),
    ],
    [
      span(' cosigned '),
      span(bar(share ?? 0, Math.min(40, width - 20)), tone),
      span(` ${percent(share)}`, tone),
    ],
    margin !== null && margin <= 0
      ? [span(' need > 66.7 %   '), span('NO QUORUM', 'bad')]
      : [span(` need > 66.7 %   margin ${percent(margin)}`)],
    [
      span(
        ` missing ${nameSome(sample.missing, width - 10)}`,
        sample.missing.length > 0 ? 'warn' : 'dim',
      ),
    ],
    ...Array.from({ length: graphRows - 1 }, () => [span('')]),
  ];
}

function throughputPanel(sample: MonitorSample): Line[] {
  return [
    heading('THROUGHPUT'),
    [
      span(
        ` ${sample.transactionsPerSecond.toFixed(0)} tx/s   ${bytesText(sample.bytesPerSecond)}/s   block ${bytesText(sample.blockBytes)}`,
      ),
    ],
  ];
}

function mempoolPanel(sample: MonitorSample): Line[] {
  const { transactions, bytes, limitBytes } = sample.mempool;
  const share = limitBytes === 0 ? 0 : bytes / limitBytes;
  return [
    heading('MEMPOOL'),
    [
      span(
        ` ${grouped(transactions)} tx  ${bytesText(bytes, true)} / ${bytesText(limitBytes, true)}  `,
      ),
      span(bar(share, 8, '▓'), share > 0.8 ? 'warn' : 'plain'),
      span(` ${percent(share, 0)}`),
    ],
  ];
}

/** The validator leaderboard, in exactly `rows` lines. */
function board(sample: MonitorSample, view: View, rows: number, columns: number): Line[] {
  const wide = columns >= 100;
  const all = sortRows(
    sample.validators.filter(({ name }) => name.includes(view.filter)),
    view.sort,
  );
  const room = Math.max(1, rows - 2);
  const first = Math.min(view.scroll, Math.max(0, all.length - room));
  const filter = view.filter === '' ? '' : `   filter: ${view.filter}`;
  const lines: Line[] = [
    [
      span(' VALIDATORS', 'bold'),
      span(`   sort: ${view.sort}${filter}   ${grouped(sample.validators.length)} active`, 'dim'),
    ],
    [span(boardText(BOARD_TITLES, wide), 'dim')],
    ...all.slice(first, first + room).map((row) => boardLine(row, wide)),
  ];
  const below = all.length - first - room;
  if (below > 0) lines[rows - 1] = [span(`   … ${below + 1} more`, 'dim')];
  while (lines.length < rows) lines.push([span('')]);
  return lines;
}

const BOARD_TITLES = [
  'rank',
  'name',
  'stake',
  'cosigned',
  'accuracy',
  'rounds',
  'rewards',
  'latency',
  'version',
];

function boardLine(row: ValidatorRow, wide: boolean): Line {
  const wrong = row.accuracy !== null && row.accuracy < 1;
  const lazy = row.cosigned !== null && row.cosigned < 0.95;
  const tone: Tone = wrong ? 'bad' : lazy ? 'warn' : 'plain';
  const cells = [
    `${row.rank}`,
    row.name,
    percent(row.stakeShare, 2),
    percent(row.cosigned, 2),
    percent(row.accuracy, 2),
    grouped(row.rounds),
    row.rewards.toFixed(2),
    duration(row.latencyMillis),
    row.version ?? '–',
  ];
  return [span(wrong ? '!' : lazy ? '~' : ' ', tone), span(boardText(cells, wide).slice(1), tone)];
}

/** Column widths on a narrow and on a wide terminal; the name is left-aligned. */
function boardText(cells: readonly string[], wide: boolean): string {
  const widths = wide ? [5, 24, 10, 11, 11, 11, 11, 11, 11] : [5, 13, 8, 10, 10, 9, 9, 8, 8];
  return cells
    .map((cell, index) => {
      const width = widths[index] as number;
      if (index === 1) return `  ${cell.slice(0, width - 3).padEnd(width - 2)}`;
      return cell.padStart(width);
    })
    .join('');
}

/** Orders the board; ties by rank. */
export function sortRows(rows: readonly ValidatorRow[], sort: SortKey): ValidatorRow[] {
  const by: Record<SortKey, (row: ValidatorRow) => number | string> = {
    rank: (row) => row.rank,
    stake: (row) => -row.stakeShare,
    missed: (row) => row.cosigned ?? 0,
    name: (row) => row.name,
    latency: (row) => -(row.latencyMillis ?? 0),
  };
  const key = by[sort];
  return [...rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x < y ? -1 : x > y ? 1 : a.rank - b.rank;
  });
}

function nodePanel(sample: MonitorSample): Line[] {
  const heap = sample.heapLimitBytes === 0 ? 0 : sample.heapBytes / sample.heapLimitBytes;
  const skew = sample.clockSkewMillis;
  return [
    sample.reason === null
      ? heading('NODE')
      : [span(' NODE', 'bold'), span(`   ${sample.reason}`, HEALTH[sample.health][1])],
    [
      span(` peers ${sample.peers}`, sample.peers === 0 ? 'bad' : 'plain'),
      span(`   loop p99 ${duration(sample.loopP99Millis)}`),
      span(
        `   heap ${bytesText(sample.heapBytes, true)} / ${bytesText(sample.heapLimitBytes, true)}`,
        heap > 0.85 ? 'warn' : 'plain',
      ),
      span(
        `   disk ${percent(sample.diskFree, 0)} free`,
        sample.diskFree !== null && sample.diskFree < 0.15 ? 'warn' : 'plain',
      ),
      span(
        `   clock ${skew === null ? '–' : `${skew >= 0 ? '+' : ''}${Math.round(skew)} ms`}`,
        skew !== null && Math.abs(skew) > 500 ? 'warn' : 'plain',
      ),
    ],
  ];
}

const LEVELS: Readonly<Record<MonitorEvent['level'], readonly [string, Tone]>> = {
  info: ['INFO', 'dim'],
  warn: ['WARN', 'warn'],
  crit: ['CRIT', 'bad'],
};

function eventsPanel(events: readonly MonitorEvent[], rows: number): Line[] {
  const lines: Line[] = [heading('EVENTS')];
  for (const event of events.slice(0, rows - 1)) {
    const [word, tone] = LEVELS[event.level];
    const time = new Date(event.atMillis).toISOString().slice(11, 19);
    lines.push([span(` ${time} `), span(word, tone), span(` ${event.text}`)]);
  }
  if (events.length === 0) lines.push([span(' none', 'dim')]);
  while (lines.length < rows) lines.push([span('')]);
  return lines;
}

const keysLine = (): Line => [
  span(' s sort  / filter  ↑↓ scroll  p pause  r JSON  ? help  q quit', 'dim'),
];

function helpPanel(rows: number): Line[] {
  const lines: Line[] = [
    [span(' HELP', 'bold')],
    [span(' cosigned   certified checkpoints that the validator cosigned within 10 s')],
    [span(' accuracy   its cosignatures that match the certified root; less than 100 % is grave')],
    [span(' rounds     rounds in which its vertex was committed, this epoch')],
    [span(' rewards    coins accrued this epoch, paid in its last block')],
    [span(' !  signed another root     ~  misses more than one checkpoint in twenty')],
  ].slice(0, rows);
  while (lines.length < rows) lines.push([span('')]);
  return lines;
}

const heading = (text: string): Line => [span(` ${text}`, 'bold')];

const latencyTone = (millis: number | null): Tone =>
  millis === null ? 'dim' : millis > 2000 ? 'bad' : millis > 1000 ? 'warn' : 'good';

/** Names as many as fit, then says how many more there are. */
function nameSome(names: readonly string[], room: number): string {
  if (names.length === 0) return 'none';
  let text = '';
  for (const [index, name] of names.entries()) {
    const next = index === 0 ? name : `${text}, ${name}`;
    const rest = names.length - index - 1;
    const tail = rest === 0 ? '' : `, ${rest} more`;
    if (next.length + tail.length > room)
      return index === 0 ? `${names.length}` : `${text}, ${names.length - index} more`;
    text = next;
  }
  return text;
}

/** Two panels side by side. */
function zip(a: readonly Line[], b: readonly Line[], left: number, right: number): Line[] {
  const empty: readonly Span[] = [];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [
    ...fit(a[index] ?? empty, left),
    ...fit(b[index] ?? empty, right),
  ]);
}
