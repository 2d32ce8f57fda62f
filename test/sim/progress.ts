/**
 * Says how far a batch is: a bar on a terminal, a line every ten seconds elsewhere.
 */
const LINE_MILLIS = 10_000;
const BAR_WIDTH = 30;

export class Progress {
  readonly #total: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #began = performance.now();
  #lastLine = performance.now();
  #done = 0;
  #failed = 0;

  constructor(total: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
  }

  /** One more is done. */
  add(failed: boolean): void {
    this.#done++;
    if (failed) this.#failed++;
    if (this.#stream.isTTY) this.#bar();
    else if (performance.now() - this.#lastLine >= LINE_MILLIS) {
      this.#lastLine = performance.now();
      this.#stream.write(`${this.#text()}\n`);
    }
  }

  /** Takes the bar away, so that something else can be said. */
  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }

  #bar(): void {
    const filled = Math.round((this.#done / this.#total) * BAR_WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    this.#stream.write(`\r\x1b[2K${bar} ${this.#text()}`);
  }

  #text(): string {
    const seconds = (performance.now() - this.#began) / 1_000;
    const left = (seconds / this.#done) * (this.#total - this.#done);
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    return `${this.#done}/${this.#total} seeds${failed}, ${Math.ceil(left)} s left`;
  }
}
