/**
 * How commands speak. Results go to stdout: a table on a terminal, tab-separated in a pipe, one
 * JSON object with a `schema` field on request, streams as a line each. Progress goes to stderr.
 */
import { stripVTControlCharacters, styleText } from 'node:util';
import { toHex } from 'fanal/primitives/bytes.ts';
import { FanalError } from 'fanal/primitives/errors.ts';

export type Cell = string | number | bigint | boolean | null | undefined;

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Cell;
  readonly align?: 'left' | 'right';
}

export type Style = 'good' | 'bad' | 'warn' | 'dim' | 'strong';
const STYLES = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', strong: 'bold' } as const;

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly stdout?: NodeJS.WriteStream;
  readonly stderr?: NodeJS.WriteStream;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #status = '';

  constructor(options: OutputOptions) {
    this.json = options.json;
    this.quiet = options.quiet;
    this.verbose = options.verbose;
    this.#stdout = options.stdout ?? process.stdout;
    this.#stderr = options.stderr ?? process.stderr;
  }

  /** Whether a person reads stdout. */
  get interactive(): boolean {
    return this.#stdout.isTTY === true && !this.json;
  }

  /** Prints one result as labelled lines, or as a JSON object with all of `value`. */
  object(schema: string, value: object, lines: readonly (readonly [string, Cell])[]): void {
    if (this.json) {
      this.#stdout.write(`${toJson({ schema, ...value }, 2)}\n`);
      return;
    }
    const width = Math.max(0, ...lines.map(([label]) => label.length));
    for (const [label, cell] of lines) {
      const text = show(cell);
      if (this.interactive) {
        this.#stdout.write(`${this.style('dim', label.padEnd(width))}  ${text}\n`);
      } else this.#stdout.write(`${label}\t${clean(text)}\n`);
    }
  }

  /** Prints rows, or as JSON an object with the rows under `name`. */
  table<Row extends object>(
    schema: string,
    name: string,
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    extra: object = {},
  ): void {
    if (this.json) {
      this.#stdout.write(`${toJson({ schema, ...extra, [name]: rows }, 2)}\n`);
      return;
    }
    const cells = rows.map((row) => columns.map(({ cell }) => show(cell(row))));
    if (!this.interactive) {
      this.#stdout.write(`${columns.map(({ title }) => title).join('\t')}\n`);
      for (const line of cells) this.#stdout.write(`${line.map(clean).join('\t')}\n`);
      return;
    }
    const widths = columns.map(({ title }, i) =>
      Math.max(title.length, ...cells.map((line) => visible(line[i] ?? ''))),
    );
    const print = (line: readonly string[]) =>
      line
        .map((text, i) => {
          const gap = ' '.repeat(Math.max(0, (widths[i] ?? 0) - visible(text)));
          return columns[i]?.align === 'right' ? gap + text : text + gap;
        })
        .join('  ')
        .trimEnd();
    this.#stdout.write(`${this.style('dim', print(columns.map(({ title }) => title)))}\n`);
    for (const line of cells) this.#stdout.write(`${print(line)}\n`);
  }

  /** Prints one item of a stream: a line of text, or of JSON. */
  line(schema: string, value: object, text: string): void {
    this.#clearStatus();
    this.#stdout.write(this.json ? `${toJson({ schema, ...value })}\n` : `${text}\n`);
  }

  /** Prints a result that already is text, such as a file's content. */
  raw(text: string): void {
    this.#stdout.write(text);
  }

  /** Says what is going on. */
  progress(text: string): void {
    if (this.quiet) return;
    this.#clearStatus();
    this.#stderr.write(`${text}\n`);
  }

  /** Keeps one line of progress that rewrites itself; away from a terminal it says nothing. */
  status(text: string): void {
    if (this.quiet || this.#stderr.isTTY !== true) return;
    this.#stderr.write(`\r\x1b[2K${text.slice(0, (this.#stderr.columns ?? 80) - 1)}`);
    this.#status = text;
  }

  detail(text: string): void {
    if (this.verbose) this.progress(text);
  }

  warn(text: string): void {
    this.#clearStatus();
    this.#stderr.write(`${this.#styleError('warn', 'warning:')} ${text}\n`);
  }

  /** Says what failed and what to do about it. */
  error(error: unknown): void {
    this.#clearStatus();
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof FanalError ? error.code : 'internal';
    const hint = error instanceof FanalError ? error.hint : undefined;
    if (this.json) {
      this.#stderr.write(`${toJson({ schema: 'fanal.error/1', code, message, hint })}\n`);
      return;
    }
    this.#stderr.write(`${this.#styleError('bad', 'fanal:')} ${message}\n`);
    if (hint !== undefined) this.#stderr.write(`  ${hint}\n`);
    if (this.verbose && error instanceof Error) this.#stderr.write(`${error.stack}\n`);
  }

  /** Colours a text if a person reads stdout and wants colours. */
  style(style: Style, text: string): string {
    return this.interactive
      ? styleText(STYLES[style], text, { stream: this.#stdout, validateStream: true })
      : text;
  }

  #styleError(style: Style, text: string): string {
    return styleText(STYLES[style], text, { stream: this.#stderr, validateStream: true });
  }

  #clearStatus(): void {
    if (this.#status === '') return;
    this.#stderr.write('\r\x1b[2K');
    this.#status = '';
  }
}

/** JSON with amounts as decimal strings and bytes as hex, like the API's. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item === 'bigint') return item.toString();
      if (item instanceof Uint8Array) return toHex(item);
      return item;
    },
    indent,
  );
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return '–';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return String(cell);
}

/** No tab, line break or colour gets into a tab-separated field. */
function clean(text: string): string {
  return stripVTControlCharacters(text).replace(/[\t\r\n]+/g, ' ');
}

function visible(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
