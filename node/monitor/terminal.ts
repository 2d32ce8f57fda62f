/**
 * Runs the monitor on a terminal: alternate screen, only changed lines rewritten, keys read raw.
 */
import { emitKeypressEvents, type Key as KeyPress } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { drawFrame, HISTORY_SAMPLES, type Size, SMALLEST } from './frame.ts';
import { FIRST_VIEW, SORT_KEYS, type View } from './leaderboard.ts';
import type { MonitorSample } from './sample.ts';
import { paint } from './text.ts';

export interface MonitorOptions {
  /** Asks the node; must answer with an `unreachable` sample rather than throw. */
  readonly sample: () => Promise<MonitorSample>;
  readonly intervalMillis: number;
  readonly colour: boolean;
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Remembers commit latencies for the graph. */
export class LatencyHistory {
  readonly #values: number[] = [];

  add(sample: MonitorSample): void {
    const last = sample.health === 'unreachable' ? null : sample.commitMillis?.last;
    if (last === null || last === undefined) return;
    this.#values.push(last);
    if (this.#values.length > HISTORY_SAMPLES) this.#values.shift();
  }

  get values(): readonly number[] {
    return this.#values;
  }
}

/** One frame as text, for `--once` and for tests. */
export function frameText(
  sample: MonitorSample,
  history: LatencyHistory,
  view: View,
  size: Size,
  colour: boolean,
): string {
  return drawFrame(sample, history.values, view, size)
    .map((line) => paint(line, colour).trimEnd())
    .join('\n');
}

/** What a key does to the view; `null` quits. */
export function press(view: View, key: Partial<KeyPress>): View | null {
  if (key.ctrl === true && key.name === 'c') return null;
  switch (key.name ?? key.sequence) {
    case 'q':
      return null;
    case 's': {
      const next = (SORT_KEYS.indexOf(view.sort) + 1) % SORT_KEYS.length;
      return { ...view, sort: SORT_KEYS[next] as View['sort'], scroll: 0 };
    }
    case 'p':
      return { ...view, paused: !view.paused };
    case 'up':
      return { ...view, scroll: Math.max(0, view.scroll - 1) };
    case 'down':
      return { ...view, scroll: view.scroll + 1 };
    case 'pageup':
      return { ...view, scroll: Math.max(0, view.scroll - 10) };
    case 'pagedown':
      return { ...view, scroll: view.scroll + 10 };
    case 'escape':
      return { ...view, filter: '', help: false };
    default:
      return key.sequence === '?' ? { ...view, help: !view.help } : view;
  }
}

/**
 * Shows the monitor until `q`, Ctrl-C or the signal. Restores the terminal however it ends.
 */
export async function runMonitor(
  options: MonitorOptions,
  input: ReadStream,
  output: WriteStream,
  signal: AbortSignal,
): Promise<void> {
  const screen = new Screen(output, options.colour);
  const history = new LatencyHistory();
  let view: View = FIRST_VIEW;
  let filtering = false;
  let sample = await options.sample();
  history.add(sample);

  await new Promise<void>((resolve) => {
    const draw = () => screen.draw(sample, history, view);
    const onKey = (text: string | undefined, key: KeyPress) => {
      if (filtering) {
        if (key.name === 'return' || key.name === 'escape') filtering = false;
        else if (key.name === 'backspace') view = { ...view, filter: view.filter.slice(0, -1) };
        else if (text !== undefined && /^[\x21-\x7e]$/.test(text) && view.filter.length < 32) {
          view = { ...view, filter: view.filter + text, scroll: 0 };
        }
        return draw();
      }
      if (key.sequence === '/') {
        filtering = true;
        view = { ...view, filter: '' };
        return draw();
      }
      if (key.name === 'r') return screen.showJson(sample, draw, input);
      const next = press(view, key);
      if (next === null) return finish();
      view = next;
      draw();
    };
    let asking = false;
    const timer = setInterval(async () => {
      if (view.paused || asking) return;
      asking = true;
      try {
        sample = await options.sample();
        history.add(sample);
        draw();
      } finally {
        asking = false;
      }
    }, options.intervalMillis);
    const finish = () => {
      clearInterval(timer);
      input.off('keypress', onKey);
      output.off('resize', draw);
      signal.removeEventListener('abort', finish);
      input.setRawMode(false);
      input.pause();
      screen.leave();
      resolve();
    };
    emitKeypressEvents(input);
    input.setRawMode(true);
    input.resume();
    input.on('keypress', onKey);
    output.on('resize', draw);
    signal.addEventListener('abort', finish);
    screen.enter();
    draw();
  });
}

/** The terminal's own state: what stands on each line. */
class Screen {
  readonly #output: WriteStream;
  readonly #colour: boolean;
  #shown: string[] = [];
  #size: Size = SMALLEST;

  constructor(output: WriteStream, colour: boolean) {
    this.#output = output;
    this.#colour = colour;
  }

  enter(): void {
    this.#output.write(ENTER);
  }

  leave(): void {
    this.#output.write(LEAVE);
  }

  draw(sample: MonitorSample, history: LatencyHistory, view: View): void {
    const size = { columns: this.#output.columns ?? 80, rows: this.#output.rows ?? 24 };
    const resized = size.columns !== this.#size.columns || size.rows !== this.#size.rows;
    let text = '';
    if (resized) {
      this.#shown = [];
      this.#size = size;
      text += '\x1b[2J';
    }
    const lines =
      size.columns < SMALLEST.columns || size.rows < SMALLEST.rows
        ? [
            `The monitor needs ${SMALLEST.columns}×${SMALLEST.rows}; this is ${size.columns}×${size.rows}.`,
          ]
        : drawFrame(sample, history.values, view, size).map((line) => paint(line, this.#colour));
    lines.forEach((line, index) => {
      if (this.#shown[index] !== line) text += `\x1b[${index + 1};1H${line}\x1b[K`;
    });
    this.#shown = lines;
    if (text !== '') this.#output.write(text);
  }

  /** Shows the raw sample until the next key. */
  showJson(sample: MonitorSample, after: () => void, input: ReadStream): void {
    const text = JSON.stringify(
      sample,
      (_, value) => (typeof value === 'bigint' ? value.toString() : value),
      2,
    );
    const lines = text.split('\n').slice(0, this.#size.rows - 1);
    this.#output.write(`\x1b[2J\x1b[1;1H${lines.join('\r\n')}\r\n(any key)`);
    this.#shown = [];
    input.once('keypress', () => {
      this.#output.write('\x1b[2J');
      this.#shown = [];
      after();
    });
  }
}
