/**
 * Puts calls that come one by one into batches: the first goes at once, those that come while it is
 * under way make the next batch. So a quiet node adds no delay, and a busy one saves most of the
 * cost of each call.
 */
export class Batcher<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxItems: number;
  readonly #maxInFlight: number;
  #waiting: { item: Item; resolve(result: Result): void; reject(error: unknown): void }[] = [];
  #inFlight = 0;

  /** @param run gives one result for each item, in order */
  constructor(
    run: (items: readonly Item[]) => Promise<readonly Result[]>,
    limits: { readonly maxItems: number; readonly maxInFlight: number },
  ) {
    this.#run = run;
    this.#maxItems = limits.maxItems;
    this.#maxInFlight = limits.maxInFlight;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#pump();
    });
  }

  #pump(): void {
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
        this.#pump();
      });
  }
}
