/**
 * Pieces of a terminal frame: styled text of a known width, bars, braille graphs, numbers.
 */
import { styleText } from 'node:util';

export type Tone = 'plain' | 'dim' | 'bold' | 'good' | 'warn' | 'bad' | 'accent';

/** A run of text in one tone. Every character is one column wide. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

export type Line = readonly Span[];

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });

export const widthOf = (line: Line): number =>
  line.reduce((sum, { text }) => sum + [...text].length, 0);

/** Cuts or pads a line to exactly `width` columns; a cut ends in `…`. */
export function fit(line: Line, width: number): Line {
  const missing = width - widthOf(line);
  if (missing >= 0) return missing === 0 ? line : [...line, span(' '.repeat(missing))];
  const kept: Span[] = [];
  let room = Math.max(0, width - 1);
  for (const { text, tone } of line) {
    if (room === 0) break;
    const part = [...text].slice(0, room).join('');
    kept.push(span(part, tone));
    room -= [...part].length;
  }
  return width > 0 ? [...kept, span('…', 'dim')] : kept;
}

/** A text of at most `width` characters; what is missing is `…`. */
export const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text;

/** Puts `right` at the right edge of a line of `width` columns. */
export function spread(left: Line, right: Line, width: number): Line {
  const room = Math.max(0, width - widthOf(right) - 1);
  return fit([...fit(left, room), span(' '), ...right], width);
}

const FORMATS: Readonly<Record<Exclude<Tone, 'plain'>, Parameters<typeof styleText>[0]>> = {
  dim: 'dim',
  bold: 'bold',
  good: 'green',
  warn: 'yellow',
  bad: ['red', 'bold'],
  accent: 'cyan',
};

/** A line as text, with colour codes when `colour` is true. */
export function paint(line: Line, colour: boolean): string {
  return line
    .map(({ text, tone }) =>
      !colour || tone === 'plain'
        ? text
        : styleText(FORMATS[tone], text, { validateStream: false }),
    )
    .join('');
}

/** A bar of `width` columns, filled to `share` (0 to 1). */
export function bar(share: number, width: number, full = '█', empty = '░'): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return full.repeat(filled) + empty.repeat(width - filled);
}

/** Braille dots of a character: columns left to right, dots bottom to top. */
const DOTS: readonly (readonly number[])[] = [
  [0x40, 0x04, 0x02, 0x01],
  [0x80, 0x20, 0x10, 0x08],
];

/**
 * Draws values as a filled braille graph, two values a column and four heights a row, newest right.
 * The scale runs from 0 to the greatest value shown.
 */
export function graph(values: readonly number[], width: number, rows: number): string[] {
  const shown = values.slice(-width * 2);
  const most = Math.max(1, ...shown);
  const cells = Array.from({ length: rows }, () => new Array<number>(width).fill(0));
  const offset = width * 2 - shown.length;
  shown.forEach((value, index) => {
    const level = Math.min(rows * 4 - 1, Math.floor((value / most) * (rows * 4 - 1) + 0.5));
    const x = index + offset;
    const column = Math.floor(x / 2);
    for (let dot = 0; dot <= level; dot++) {
      const row = cells[rows - 1 - Math.floor(dot / 4)] as number[];
      row[column] = (row[column] as number) | ((DOTS[x % 2] as number[])[dot % 4] as number);
    }
  });
  return cells.map((row) => row.map((dots) => String.fromCharCode(0x2800 + dots)).join(''));
}

/** `184203` as `184,203`. */
export const grouped = (value: bigint | number): string =>
  value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A share as `91.0 %`. */
export const percent = (share: number | null, digits = 1): string =>
  share === null ? '–' : `${(share * 100).toFixed(digits)} %`;

/** Milliseconds as `412 ms` or `1.1 s`. */
export const duration = (millis: number | null): string =>
  millis === null
    ? '–'
    : millis < 1000
      ? `${Math.round(millis)} ms`
      : `${(millis / 1000).toFixed(1)} s`;

/** An age in seconds as `0.6 s`, `2 min`, `3 h`. */
export function ageText(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Bytes as `105 kB`, `4.1 MiB` for memory with `binary`. */
export function bytesText(bytes: number, binary = false): string {
  const step = binary ? 1024 : 1000;
  const units = binary ? ['B', 'KiB', 'MiB', 'GiB'] : ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
