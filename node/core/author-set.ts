/**
 * Sets of authors as bits in words, and the stake they add up to.
 *
 * A round of a thousand vertices is 32 words: set algebra on them is what keeps the DAG fast.
 */
import type { Committee } from './committee.ts';

/** Bit `author & 31` of word `author >>> 5`. */
export type AuthorSet = Uint32Array;

export function emptySet(committee: Committee): AuthorSet {
  return new Uint32Array(committee.words);
}

export function hasAuthor(set: AuthorSet, author: number): boolean {
  return (((set[author >>> 5] as number) >>> (author & 31)) & 1) === 1;
}

/** Adds an author; says whether it is new. */
export function addAuthor(set: AuthorSet, author: number): boolean {
  const word = author >>> 5;
  const bit = 1 << (author & 31);
  const old = set[word] as number;
  if ((old & bit) !== 0) return false;
  set[word] = old | bit;
  return true;
}

/** Takes an author out; says whether it was in. */
export function removeAuthor(set: AuthorSet, author: number): boolean {
  const word = author >>> 5;
  const bit = 1 << (author & 31);
  const old = set[word] as number;
  if ((old & bit) === 0) return false;
  set[word] = old & ~bit;
  return true;
}

/** Adds every author of `other`. */
export function addAll(set: AuthorSet, other: AuthorSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] as number) | (other[i] as number);
}

/** How many authors are in a set. */
export function countOf(set: AuthorSet): number {
  let count = 0;
  for (const word of set) count += bitCount(word);
  return count;
}

/** The authors of a set, ascending. */
export function authorsOf(set: AuthorSet): number[] {
  const authors: number[] = [];
  for (let i = 0; i < set.length; i++) {
    let word = set[i] as number;
    while (word !== 0) {
      const bit = 31 - Math.clz32(word & -word);
      authors.push((i << 5) | bit);
      word &= word - 1;
    }
  }
  return authors;
}

/** The stake of the authors that are in both sets. */
export function commonStake(committee: Committee, a: AuthorSet, b: AuthorSet): number {
  if (committee.uniformStake !== 0) {
    let count = 0;
    for (let i = 0; i < a.length; i++) count += bitCount((a[i] as number) & (b[i] as number));
    return count * committee.uniformStake;
  }
  let stake = 0;
  for (let i = 0; i < a.length; i++) {
    let word = (a[i] as number) & (b[i] as number);
    while (word !== 0) {
      const bit = 31 - Math.clz32(word & -word);
      stake += committee.stakes[(i << 5) | bit] as number;
      word &= word - 1;
    }
  }
  return stake;
}

export function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Calls `visit` with each author of a set, ascending. */
export function forEachAuthor(set: AuthorSet, visit: (author: number) => void): void {
  for (let i = 0; i < set.length; i++) {
    let word = set[i] as number;
    while (word !== 0) {
      const bit = 31 - Math.clz32(word & -word);
      visit((i << 5) | bit);
      word &= word - 1;
    }
  }
}

/** Calls `visit` with each author of `wanted` that is not in `present`, ascending. */
export function forEachMissing(
  wanted: AuthorSet,
  present: AuthorSet,
  visit: (author: number) => void,
): void {
  for (let i = 0; i < wanted.length; i++) {
    let word = (wanted[i] as number) & ~(present[i] as number);
    while (word !== 0) {
      const bit = 31 - Math.clz32(word & -word);
      visit((i << 5) | bit);
      word &= word - 1;
    }
  }
}
