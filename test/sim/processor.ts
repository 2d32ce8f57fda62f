/**
 * Processor time of the simulated machines: one core each, first come, first served.
 *
 * Checking signatures is what a validator of a large network spends its processor on, so that is
 * what is modelled: so many microseconds a check.
 */
import type { Micros } from './queue.ts';

export class Processors {
  readonly #busyUntil: Float64Array;
  readonly #checkMicros: number;

  constructor(nodes: number, checkMicros: number) {
    this.#busyUntil = new Float64Array(nodes);
    this.#checkMicros = checkMicros;
  }

  /** When `node` has done so many signature checks, if it takes them up as soon as it can. */
  checked(node: number, checks: number, now: Micros): Micros {
    return this.occupied(node, checks * this.#checkMicros, now);
  }

  /** When `node` has spent so much processor time on something. */
  occupied(node: number, micros: number, now: Micros): Micros {
    const done = Math.max(now, this.#busyUntil[node] as number) + micros;
    this.#busyUntil[node] = done;
    return Math.round(done);
  }
}
