/**
 * The memory of map trees: nodes and leaves in typed-array pages, named by small numbers.
 *
 * A reference is 0 for an empty subtree, positive for a node, negative for a leaf. Nothing is ever
 * changed once its hash is written, so any number of trees may share what they have in common.
 */
import type { Hash } from '../primitives/hash.ts';

/** A subtree in an arena. */
export type Reference = number;

export const EMPTY: Reference = 0;

/** A node: left and right reference, then 8 words of hash. */
const NODE_WORDS = 10;
const NODE_HASH = 2;
/** A leaf: 8 words each of hash, key and value hash. */
const LEAF_WORDS = 24;
const LEAF_KEY = 8;
const LEAF_VALUE = 16;
const HASH_WORDS = 8;

const PAGE_BITS = 12;
const PAGE_SLOTS = 1 << PAGE_BITS;
const SLOT_MASK = PAGE_SLOTS - 1;

/** Slots of one size in pages, with the freed ones kept for the next. Slot 0 is never given out. */
class Slots {
  readonly words: number;
  readonly pages: Int32Array[] = [];
  readonly free: number[] = [];
  next = 1;

  constructor(words: number) {
    this.words = words;
  }

  allocate(): number {
    const freed = this.free.pop();
    if (freed !== undefined) return freed;
    if (this.next >> PAGE_BITS === this.pages.length) {
      this.pages.push(new Int32Array(PAGE_SLOTS * this.words));
    }
    return this.next++;
  }

  get used(): number {
    return this.next - 1 - this.free.length;
  }

  get sizeBytes(): number {
    return this.pages.length * PAGE_SLOTS * this.words * 4;
  }
}

export class MapArena {
  #nodes = new Slots(NODE_WORDS);
  #leaves = new Slots(LEAF_WORDS);

  get nodeCount(): number {
    return this.#nodes.used;
  }

  get leafCount(): number {
    return this.#leaves.used;
  }

  /** What the pages take, used or not. */
  get sizeBytes(): number {
    return this.#nodes.sizeBytes + this.#leaves.sizeBytes;
  }

  /** Makes a node whose hash is still to be written. */
  addNode(left: Reference, right: Reference): Reference {
    const slot = this.#nodes.allocate();
    const page = this.#nodes.pages[slot >> PAGE_BITS] as Int32Array;
    const at = (slot & SLOT_MASK) * NODE_WORDS;
    page[at] = left;
    page[at + 1] = right;
    return slot;
  }

  /** Makes a leaf of 16 words, key and value hash, whose own hash is still to be written. */
  addLeaf(words: Int32Array, from: number): Reference {
    const slot = this.#leaves.allocate();
    const page = this.#leaves.pages[slot >> PAGE_BITS] as Int32Array;
    const at = (slot & SLOT_MASK) * LEAF_WORDS + LEAF_KEY;
    for (let i = 0; i < 2 * HASH_WORDS; i++) page[at + i] = words[from + i] as number;
    return -slot;
  }

  left(node: Reference): Reference {
    const page = this.#nodes.pages[node >> PAGE_BITS] as Int32Array;
    return page[(node & SLOT_MASK) * NODE_WORDS] as number;
  }

  right(node: Reference): Reference {
    const page = this.#nodes.pages[node >> PAGE_BITS] as Int32Array;
    return page[(node & SLOT_MASK) * NODE_WORDS + 1] as number;
  }

  /** Copies the 8 words of a subtree's hash; zeros for an empty one. */
  readHash(reference: Reference, into: Int32Array, at: number): void {
    if (reference === EMPTY) {
      into.fill(0, at, at + HASH_WORDS);
      return;
    }
    const page = this.#pageOf(reference);
    const from = hashAt(reference);
    for (let i = 0; i < HASH_WORDS; i++) into[at + i] = page[from + i] as number;
  }

  writeHash(reference: Reference, words: Int32Array, from: number): void {
    const page = this.#pageOf(reference);
    const at = hashAt(reference);
    for (let i = 0; i < HASH_WORDS; i++) page[at + i] = words[from + i] as number;
  }

  /** Copies the 64 bytes of a leaf's key and value hash. */
  readLeaf(leaf: Reference, into: Uint8Array, at: number): void {
    const page = this.#leaves.pages[-leaf >> PAGE_BITS] as Int32Array;
    const from = (-leaf & SLOT_MASK) * LEAF_WORDS + LEAF_KEY;
    into.set(new Uint8Array(page.buffer, from * 4, 64), at);
  }

  hash(reference: Reference): Hash {
    const bytes = new Uint8Array(32);
    this.readHash(reference, new Int32Array(bytes.buffer), 0);
    return bytes as Hash;
  }

  key(leaf: Reference): Hash {
    return this.#leafPart(leaf, LEAF_KEY);
  }

  valueHash(leaf: Reference): Hash {
    return this.#leafPart(leaf, LEAF_VALUE);
  }

  /** Says whether a leaf's words from `part` on are those given. */
  hasKey(leaf: Reference, words: Int32Array, from: number): boolean {
    return this.#matches(leaf, LEAF_KEY, words, from);
  }

  hasValueHash(leaf: Reference, words: Int32Array, from: number): boolean {
    return this.#matches(leaf, LEAF_VALUE, words, from);
  }

  /** Bit `depth` of a leaf's key, from the most significant on. */
  keyBit(leaf: Reference, depth: number): number {
    const slot = -leaf;
    const page = this.#leaves.pages[slot >> PAGE_BITS] as Int32Array;
    const word = page[(slot & SLOT_MASK) * LEAF_WORDS + LEAF_KEY + (depth >> 5)] as number;
    return wordBit(word, depth);
  }

  /** Gives a slot back. Nothing that is still in use may refer to it. */
  free(reference: Reference): void {
    if (reference > 0) this.#nodes.free.push(reference);
    else if (reference < 0) this.#leaves.free.push(-reference);
  }

  /**
   * Moves what some roots reach into fresh pages, what they share once, and drops everything else.
   *
   * @returns the roots' new references, in the same order
   */
  compact(roots: readonly Reference[]): Reference[] {
    const old = { nodes: this.#nodes, leaves: this.#leaves };
    this.#nodes = new Slots(NODE_WORDS);
    this.#leaves = new Slots(LEAF_WORDS);
    const movedNodes = new Int32Array(old.nodes.next);
    const movedLeaves = new Int32Array(old.leaves.next);
    const move = (reference: Reference): Reference => {
      if (reference === EMPTY) return EMPTY;
      const isNode = reference > 0;
      const slot = isNode ? reference : -reference;
      const moved = isNode ? movedNodes : movedLeaves;
      if (moved[slot] !== 0) return moved[slot] as number;
      const slots = isNode ? old.nodes : old.leaves;
      const page = slots.pages[slot >> PAGE_BITS] as Int32Array;
      const at = (slot & SLOT_MASK) * slots.words;
      let copy: Reference;
      if (isNode) {
        copy = this.addNode(move(page[at] as number), move(page[at + 1] as number));
        this.writeHash(copy, page, at + NODE_HASH);
      } else {
        copy = this.addLeaf(page, at + LEAF_KEY);
        this.writeHash(copy, page, at);
      }
      moved[slot] = copy;
      return copy;
    };
    return roots.map(move);
  }

  #pageOf(reference: Reference): Int32Array {
    return (
      reference > 0
        ? this.#nodes.pages[reference >> PAGE_BITS]
        : this.#leaves.pages[-reference >> PAGE_BITS]
    ) as Int32Array;
  }

  #leafPart(leaf: Reference, part: number): Hash {
    const page = this.#leaves.pages[-leaf >> PAGE_BITS] as Int32Array;
    const at = (-leaf & SLOT_MASK) * LEAF_WORDS + part;
    return new Uint8Array(page.slice(at, at + HASH_WORDS).buffer) as Hash;
  }

  #matches(leaf: Reference, part: number, words: Int32Array, from: number): boolean {
    const page = this.#leaves.pages[-leaf >> PAGE_BITS] as Int32Array;
    const at = (-leaf & SLOT_MASK) * LEAF_WORDS + part;
    for (let i = 0; i < HASH_WORDS; i++) if (page[at + i] !== words[from + i]) return false;
    return true;
  }
}

/** Where in its page a subtree's hash begins. */
function hashAt(reference: Reference): number {
  return reference > 0
    ? (reference & SLOT_MASK) * NODE_WORDS + NODE_HASH
    : (-reference & SLOT_MASK) * LEAF_WORDS;
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Bit `depth` modulo 32 of four bytes seen as a word of this machine. */
export function wordBit(word: number, depth: number): number {
  const bit = 7 - (depth & 7);
  const byte = (depth >> 3) & 3;
  return (word >>> ((LITTLE_ENDIAN ? byte : 3 - byte) * 8 + bit)) & 1;
}
