/**
 * The least and the greatest time that any honest clock has shown, for S8.
 */
import { type Observer, Violation } from '../observer.ts';
import type { Simulation } from '../simulation.ts';

/** Clocks are read this often, so one that was set back may have shown a little less. */
const SAMPLE_MILLIS = 250;

export class ClockBounds implements Observer {
  readonly #simulation: Simulation;
  readonly #driftMillis: number;
  #least = Number.POSITIVE_INFINITY;
  #greatest = 0;

  constructor(simulation: Simulation, driftMillis: number) {
    this.#simulation = simulation;
    this.#driftMillis = driftMillis;
  }

  sampled(): void {
    const now = this.#simulation.now();
    for (const machine of this.#simulation.machines) {
      if (machine === undefined) continue;
      const wall = machine.clock.wall(now);
      this.#least = Math.min(this.#least, wall - SAMPLE_MILLIS);
      this.#greatest = Math.max(this.#greatest, wall + SAMPLE_MILLIS);
    }
  }

  /** Refuses a commit time outside of what honest clocks allow. */
  check(time: bigint): void {
    this.sampled();
    if (Number(time) < this.#least || Number(time) > this.#greatest + this.#driftMillis) {
      throw new Violation(
        'S8',
        `commit time ${time} is outside ${this.#least} to ${this.#greatest} + ${this.#driftMillis}`,
      );
    }
  }
}
