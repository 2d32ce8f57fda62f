/**
 * Random numbers that follow from a seed: splitmix32, good enough to spread delays and choices.
 */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 0x1_0000_0000;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** `count` different numbers below `limit`, ascending. */
  sample(limit: number, count: number): number[] {
    const all = Array.from({ length: limit }, (_, i) => i);
    for (let i = 0; i < count; i++) {
      const j = i + this.below(limit - i);
      [all[i], all[j]] = [all[j] as number, all[i] as number];
    }
    return all.slice(0, count).sort((a, b) => a - b);
  }
}
