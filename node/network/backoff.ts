/**
 * How long to wait before trying again: doubling from the first delay to the longest, and each
 * time a random half of it, so that peers that lost one another together do not return together.
 */
export class Backoff {
  readonly #firstMillis: number;
  readonly #maxMillis: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(firstMillis: number, maxMillis: number, random: () => number = Math.random) {
    this.#firstMillis = firstMillis;
    this.#maxMillis = maxMillis;
    this.#random = random;
  }

  /** The next delay, between half of and the whole current step. */
  nextMillis(): number {
    const step = Math.min(this.#maxMillis, this.#firstMillis * 2 ** Math.min(this.#attempt, 30));
    this.#attempt++;
    return Math.round(step * (0.5 + this.#random() / 2));
  }

  reset(): void {
    this.#attempt = 0;
  }
}
