/**
 * Puts calls that come one by one into batches: those of a few milliseconds go together, and those
 * that come while enough batches are under way wait for the next. The way to another thread costs
 * as much for one as for many.
 */
export class Batcher<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxItems: number;
  readonly #maxInFlight: number;
  readonly #delayMillis: number;
  readonly #maxWaiting: number;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { item: Item; resolve(result: Result): void; reject(error: unknown): void }[] = [];
  #inFlight = 0;

  /** @param run gives one result for each item, in order */
  constructor(
    run: (items: readonly Item[]) => Promise<readonly Result[]>,
    limits: {
      readonly maxItems: number;
      readonly maxInFlight: number;
      readonly delayMillis: number;
      /** How many may wait; whoever adds asks `isFull` first. */
      readonly maxWaiting: number;
    },
  ) {
    this.#run = run;
    this.#maxItems = limits.maxItems;
    this.#maxInFlight = limits.maxInFlight;
    this.#delayMillis = limits.delayMillis;
    this.#maxWaiting = limits.maxWaiting;
  }

  /** Whether what waits already is as much as may wait. */
  get isFull(): boolean {
    return this.#waiting.length >= this.#maxWaiting;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length >= this.#maxItems) this.#pump();
      else this.#schedule();
    });
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#pump(), this.#delayMillis);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight >= this.#maxInFlight || this.#waiting.length === 0) return;
    const batch = this.#waiting.splice(0, this.#maxItems);
    this.#inFlight++;
    this.#run(batch.map(({ item }) => item))
      .then(
        (results) => {
          for (const [i, { resolve }] of batch.entries()) resolve(results[i] as Result);
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      )
      .finally(() => {
        this.#inFlight--;
        if (this.#waiting.length > 0) this.#schedule();
      });
  }
}
