/**
 * A token bucket: so much a second, and a burst. The clock is handed in.
 */
export class Quota {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #last: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#last = now;
  }

  /** Takes `count` tokens if they are there. */
  take(count: number, now: number): boolean {
    this.#refill(now);
    if (count > this.#tokens) return false;
    this.#tokens -= count;
    return true;
  }

  /** Takes `count` tokens even into debt, for what is only known afterwards: bytes already sent. */
  charge(count: number, now: number): void {
    this.#refill(now);
    this.#tokens -= count;
  }

  /** Milliseconds until `count` tokens are there. */
  waitMillis(count: number, now: number): number {
    this.#refill(now);
    const missing = Math.min(count, this.#burst) - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perSecond) * 1_000);
  }

  #refill(now: number): void {
    const elapsed = Math.max(0, now - this.#last);
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed / 1_000) * this.#perSecond);
    this.#last = now;
  }
}
