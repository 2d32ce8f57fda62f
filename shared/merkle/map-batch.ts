/**
 * Changes to a map, sorted by key and laid out as words, each key once.
 */
import { assert } from '../primitives/assert.ts';
import type { Hash } from '../primitives/hash.ts';
import { wordBit } from './map-arena.ts';

/** Sets a key's value, by the value's hash, or with `null` takes the key out. */
export interface MapChange {
  readonly key: Hash;
  readonly valueHash: Hash | null;
}

/** How many changes are sorted at once. */
export const MAX_BATCH = 1 << 20;

/** 16 words a change: key, value hash. */
const CHANGE_WORDS = 16;

export class MapBatch {
  readonly words: Int32Array;
  readonly count: number;
  /** How many of the changes before number i set a value. */
  readonly #setsBefore: Int32Array;

  /** Of several changes to one key, the last counts. */
  constructor(changes: readonly MapChange[]) {
    const order = sortedOrder(changes);
    const words = new Int32Array(order.length * CHANGE_WORDS);
    const bytes = new Uint8Array(words.buffer);
    const setsBefore = new Int32Array(order.length + 1);
    let count = 0;
    for (const index of order) {
      const { key, valueHash } = changes[index] as MapChange;
      assert(key.length === 32, 'a key has 32 bytes');
      assert(valueHash === null || valueHash.length === 32, 'a value hash has 32 bytes');
      if (count > 0 && isSameKey(bytes, (count - 1) * 64, key)) count--;
      bytes.set(key, count * 64);
      if (valueHash !== null) bytes.set(valueHash, count * 64 + 32);
      setsBefore[count + 1] = (setsBefore[count] as number) + (valueHash === null ? 0 : 1);
      count++;
    }
    this.words = words;
    this.count = count;
    this.#setsBefore = setsBefore;
  }

  /** Where the words of a change's key begin; those of its value hash follow 8 further on. */
  keyAt(index: number): number {
    return index * CHANGE_WORDS;
  }

  valueAt(index: number): number {
    return index * CHANGE_WORDS + 8;
  }

  isSet(index: number): boolean {
    return this.setsBetween(index, index + 1) === 1;
  }

  /** How many of the changes from `low` up to and without `high` set a value. */
  setsBetween(low: number, high: number): number {
    return (this.#setsBefore[high] as number) - (this.#setsBefore[low] as number);
  }

  /** The first change from `low` on that sets a value. There must be one. */
  firstSet(low: number): number {
    let index = low;
    while (!this.isSet(index)) index++;
    return index;
  }

  bit(index: number, depth: number): number {
    return wordBit(this.words[index * CHANGE_WORDS + (depth >> 5)] as number, depth);
  }

  /** The first change of `low` to `high`, which agree in all bits before `depth`, that goes right. */
  split(depth: number, low: number, high: number): number {
    let from = low;
    let to = high;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.bit(middle, depth) === 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** The changes' positions by key, those of one key in the order given. */
function sortedOrder(changes: readonly MapChange[]): Int32Array {
  assert(changes.length <= MAX_BATCH, `at most ${MAX_BATCH} changes at once`);
  // The first 32 bits of the key and the position make one number of 53 bits, and typed arrays of
  // numbers sort fast; the few keys that agree in 32 bits are put right afterwards.
  const ranks = new Float64Array(changes.length);
  for (let i = 0; i < changes.length; i++) {
    const { key } = changes[i] as MapChange;
    ranks[i] = prefixOf(key) * MAX_BATCH + i;
  }
  ranks.sort();
  const order = new Int32Array(changes.length);
  for (let i = 0; i < order.length; i++) {
    const index = (ranks[i] as number) % MAX_BATCH;
    let at = i;
    for (; at > 0 && isAfter(changes, order[at - 1] as number, index); at--) {
      order[at] = order[at - 1] as number;
    }
    order[at] = index;
  }
  return order;
}

function prefixOf(key: Hash): number {
  const [a, b, c, d] = key as unknown as [number, number, number, number];
  return a * 0x100_0000 + ((b << 16) | (c << 8) | d);
}

function isAfter(changes: readonly MapChange[], one: number, other: number): boolean {
  const a = (changes[one] as MapChange).key;
  const b = (changes[other] as MapChange).key;
  for (let i = 0; i < 32; i++) {
    if (a[i] !== b[i]) return (a[i] as number) > (b[i] as number);
  }
  return false;
}

function isSameKey(bytes: Uint8Array, at: number, key: Hash): boolean {
  for (let i = 0; i < 32; i++) if (bytes[at + i] !== key[i]) return false;
  return true;
}
