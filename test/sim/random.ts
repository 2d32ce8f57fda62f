/**
 * Chance that replays: one seed, and a stream of numbers of its own for every concern.
 *
 * A concern that draws more often (a new fault, a new link) never shifts what another one draws,
 * so a shrunk case stays close to the case it came from.
 */

/** A stream of chance (xoshiro128**, seeded by splitmix32). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = () => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** 32 random bits as an unsigned integer. */
  u32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A fraction in [0, 1). */
  fraction(): number {
    return this.u32() / 0x1_0000_0000;
  }

  /** An integer in [0, bound). `bound` is at most 2^32; the bias is below 2^-20 for small ones. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** An integer in [low, high], both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** A number in [low, high). */
  real(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Exponentially distributed, at least 0. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  /** Standard normal (Box and Muller's form). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
  }

  /** Lognormal with the given median; `sigma` is the spread of its logarithm. */
  lognormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  /** The values in random order, as a new list. */
  shuffled<T>(values: readonly T[]): T[] {
    const list = [...values];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
    return list;
  }

  /** `count` distinct members of `values`, in random order. */
  sample<T>(values: readonly T[], count: number): T[] {
    return this.shuffled(values).slice(0, count);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.u32() >>> 24;
    return bytes;
  }
}

/** The stream of one concern of one seed: `stream(7, 'network')` is always the same numbers. */
export function stream(seed: number, concern: string): Random {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < concern.length; i++) {
    hash = Math.imul(hash ^ concern.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  return new Random(Math.imul(hash, 0x2c1b3c6d) ^ (seed << 1) ^ seed);
}
