/**
 * One frame of the monitor as lines of text: a pure function of what was sampled and the terminal's
 * size, so that tests compare whole screens.
 */
import { leaderboard, type View } from './leaderboard.ts';
import {
  alertsPanel,
  checkpointPanel,
  consensusPanel,
  eventsPanel,
  helpPanel,
  keysLine,
  mempoolPanel,
  nodeLine,
  peersLine,
  throughputPanel,
  titleLine,
} from './panels.ts';
import type { MonitorSample } from './sample.ts';
import { fit, type Line } from './text.ts';

export { HISTORY_SAMPLES } from './panels.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export const SMALLEST: Size = { columns: 80, rows: 24 };
/** From here on there is room for more of everything. */
const TALL_ROWS = 36;

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
  const isTall = rows >= TALL_ROWS;
  const graphRows = isTall ? 4 : 2;
  const above: Line[] = [
    titleLine(sample, view.paused, columns),
    ...zip(
      consensusPanel(sample, latencies, left, graphRows),
      checkpointPanel(sample, right, graphRows),
      left,
      right,
    ),
    ...zip(throughputPanel(sample), mempoolPanel(sample, right), left, right),
  ];
  const below: Line[] = [
    nodeLine(sample),
    peersLine(sample),
    ...alertsPanel(sample, isTall ? Math.min(4, sample.alerts.length + 1) : 1),
    ...eventsPanel(sample.events, isTall ? 6 : 3),
    keysLine(),
  ];
  const between = rows - above.length - below.length;
  const board = view.help ? helpPanel(between) : leaderboard(sample, view, between, columns);
  return [...above, ...board, ...below].map((line) => fit(line, columns));
}

/** Two panels side by side. */
function zip(a: readonly Line[], b: readonly Line[], left: number, right: number): Line[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => [
    ...fit(a[index] ?? [], left),
    ...fit(b[index] ?? [], right),
  ]);
}
