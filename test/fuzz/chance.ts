/**
 * Seeded chance: the same seed gives the same run, on any machine.
 */

export interface Chance {
  /** A whole number from 0 up to and without `below`. */
  below(below: number): number;
  pick<T>(list: readonly T[]): T;
  bytes(length: number): Uint8Array;
}

/** xorshift128+ on 32-bit halves would be more than is needed: this is sfc32. */
export function chanceOf(seed: number): Chance {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  const chance: Chance = {
    below: (below) => Math.floor((next() / 4_294_967_296) * below),
    pick: (list) => list[chance.below(list.length)] as (typeof list)[number],
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
  return chance;
}
