/**
 * The clocks of one simulated machine: a monotonic one that drifts, and a wall clock that is wrong.
 *
 * The monotonic clock starts anywhere at each boot and never falls. The wall clock is a distance
 * from it, and may be set forward or back at any time.
 */
import { GENESIS_TIME } from './membership.ts';
import type { Micros } from './queue.ts';

export class SimClock {
  /** Parts by which the clock is too fast. */
  readonly #drift: number;
  #skewMillis: number;
  #bootedAt: Micros = 0;
  #base = 0;

  constructor(skewMillis: number, drift: number) {
    this.#skewMillis = skewMillis;
    this.#drift = drift;
  }

  /** A new boot: the monotonic clock starts from `base`. */
  boot(at: Micros, base: number): void {
    this.#bootedAt = at;
    this.#base = base;
  }

  /** Whole milliseconds of the monotonic clock. */
  now(at: Micros): number {
    return this.#base + Math.floor(((at - this.#bootedAt) * (1 + this.#drift)) / 1_000);
  }

  /** When the monotonic clock will show `millis`. */
  when(millis: number): Micros {
    return this.#bootedAt + Math.ceil(((millis - this.#base) * 1_000) / (1 + this.#drift));
  }

  /** Monotonic time plus this is milliseconds since 1970, as this machine believes. */
  wallOffset(): number {
    const trueBoot = Number(GENESIS_TIME) + Math.round(this.#bootedAt / 1_000);
    return trueBoot - this.#base + this.#skewMillis;
  }

  /** Milliseconds since 1970, as this machine believes. */
  wall(at: Micros): number {
    return this.now(at) + this.wallOffset();
  }

  /** Sets the wall clock forward, or back when negative. */
  jump(millis: number): void {
    this.#skewMillis += millis;
  }

  /** What a time service does: the wall clock is right again. */
  correct(at: Micros): void {
    const truth = Number(GENESIS_TIME) + Math.round(at / 1_000);
    this.#skewMillis += truth - this.wall(at);
  }
}
