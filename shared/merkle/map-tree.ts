/**
 * Maps that grow to millions of leaves, or thousands of small ones, in one arena.
 *
 * A root is a number that stays valid, with the map as it was, until it is freed or compacted away:
 * an update makes a new root and shares what did not change. An update takes any number of changes
 * to any number of maps, and hashes level by level across all of them.
 */
import { assert } from '../primitives/assert.ts';
import type { Branded } from '../primitives/brand.ts';
import { equalBytes } from '../primitives/bytes.ts';
import type { Hash } from '../primitives/hash.ts';
import { EMPTY_MAP_ROOT, type MapLeaf, type MapProof, mapBit } from './map.ts';
import { EMPTY, MapArena, type Reference } from './map-arena.ts';
import { MAX_BATCH, MapBatch, type MapChange } from './map-batch.ts';
import { MAP_LEAF_BYTES, MAP_PAIR_BYTES, type MapHasher, mapHasher } from './map-hasher.ts';

export type { MapChange } from './map-batch.ts';
export type { MapHasher } from './map-hasher.ts';

/** One version of one map in a `MapTree`. */
export type MapRoot = Branded<Reference, 'MapRoot'>;

/** The map with nothing in it, in every tree. */
export const EMPTY_MAP = EMPTY as MapRoot;

/** What an update left behind: the parts of the old roots that the new ones do not share. */
export type Replaced = Branded<readonly Reference[], 'Replaced'>;

/** Changes to one map. */
export interface MapUpdate {
  readonly root: MapRoot;
  readonly changes: readonly MapChange[];
}

/** How many inputs are handed to the hasher at once: what fits the processor's cache. */
const CHUNK = 1024;

export class MapTree {
  readonly #arena = new MapArena();
  readonly #hasher: MapHasher;
  // What the update under way has made and not yet hashed: leaves, and nodes by their height above
  // what was hashed before.
  #newLeaves: Reference[] = [];
  #newNodesByHeight: Reference[][] = [];
  #replaced: Reference[] = [];
  /** The height of the subtree that a build step has just returned: 0 when its hash is known. */
  #height = 0;
  readonly #leafInput = new Uint8Array(CHUNK * MAP_LEAF_BYTES);
  readonly #pairInput = new Int32Array((CHUNK * MAP_PAIR_BYTES) / 4);
  readonly #output = new Int32Array((CHUNK * 32) / 4);

  constructor(hasher: MapHasher = mapHasher) {
    this.#hasher = hasher;
  }

  /** How many leaves and nodes are held, those of old versions included, and in how much memory. */
  get size(): { readonly leaves: number; readonly nodes: number; readonly bytes: number } {
    const { leafCount, nodeCount, sizeBytes } = this.#arena;
    return { leaves: leafCount, nodes: nodeCount, bytes: sizeBytes };
  }

  /** The hash that headers and records commit to. */
  hash(root: MapRoot): Hash {
    return root === EMPTY_MAP ? EMPTY_MAP_ROOT : this.#arena.hash(root);
  }

  /** Applies changes to a map, in order: of several to one key the last counts. */
  update(root: MapRoot, changes: readonly MapChange[]): { root: MapRoot; replaced: Replaced } {
    const { roots, replaced } = this.updateAll([{ root, changes }]);
    return { root: roots[0] as MapRoot, replaced };
  }

  /** Applies changes to many maps at once. The new roots come in the order of the updates. */
  updateAll(updates: readonly MapUpdate[]): { roots: MapRoot[]; replaced: Replaced } {
    const roots = updates.map(({ root, changes }) => {
      let reference: Reference = root;
      for (let from = 0; from < changes.length; from += MAX_BATCH) {
        if (from > 0) this.#hashNew();
        const batch = new MapBatch(changes.slice(from, from + MAX_BATCH));
        reference = this.#apply(batch, reference, 0, 0, batch.count);
      }
      return reference as MapRoot;
    });
    this.#hashNew();
    const replaced = this.#replaced as readonly Reference[] as Replaced;
    this.#replaced = [];
    return { roots, replaced };
  }

  /** The hash of a key's value, or `null` when the key is not in the map. */
  get(root: MapRoot, key: Hash): Hash | null {
    const { end } = this.#descend(root, key);
    return end < 0 && equalBytes(this.#arena.key(end), key) ? this.#arena.valueHash(end) : null;
  }

  /** Proves that a key is in a map, or that it is not. */
  prove(root: MapRoot, key: Hash): MapProof {
    assert(key.length === 32, 'a key has 32 bytes');
    const { siblings, end } = this.#descend(root, key);
    return {
      siblings: siblings.map((sibling) => (sibling === EMPTY ? null : this.#arena.hash(sibling))),
      end: end === EMPTY ? null : this.#leaf(end),
    };
  }

  /** Goes through a map's leaves in the order of their keys. */
  *leaves(root: MapRoot): Generator<MapLeaf> {
    const waiting: Reference[] = [root];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next < 0) yield this.#leaf(next);
      else if (next > 0) waiting.push(this.#arena.right(next), this.#arena.left(next));
    }
  }

  /**
   * Gives back what an update replaced. After it the old roots of that update, and all versions
   * before them, must not be used again; nor may they have grown in another direction.
   */
  free(replaced: Replaced): void {
    for (const reference of replaced) this.#arena.free(reference);
  }

  /** Keeps what these roots reach and drops everything else. Every other root becomes invalid. */
  compact(roots: readonly MapRoot[]): MapRoot[] {
    return this.#arena.compact(roots) as MapRoot[];
  }

  #leaf(reference: Reference): MapLeaf {
    return { key: this.#arena.key(reference), valueHash: this.#arena.valueHash(reference) };
  }

  #descend(root: MapRoot, key: Hash): { siblings: Reference[]; end: Reference } {
    const siblings: Reference[] = [];
    let at: Reference = root;
    for (let depth = 0; at > 0; depth++) {
      const left = this.#arena.left(at);
      const right = this.#arena.right(at);
      const goesRight = mapBit(key, depth) === 1;
      siblings.push(goesRight ? left : right);
      at = goesRight ? right : left;
    }
    return { siblings, end: at };
  }

  /** The subtree at `depth` with the batch's changes from `low` up to and without `high`. */
  #apply(
    batch: MapBatch,
    reference: Reference,
    depth: number,
    low: number,
    high: number,
  ): Reference {
    this.#height = 0;
    if (low === high) return reference;
    if (reference <= 0) return this.#applyToLeaf(batch, reference, depth, low, high);
    const left = this.#arena.left(reference);
    const right = this.#arena.right(reference);
    const middle = batch.split(depth, low, high);
    const newLeft = this.#apply(batch, left, depth + 1, low, middle);
    const leftHeight = this.#height;
    const newRight = this.#apply(batch, right, depth + 1, middle, high);
    if (newLeft === left && newRight === right) return reference;
    this.#replaced.push(reference);
    return this.#join(newLeft, leftHeight, newRight, this.#height);
  }

  /** The same where there was one leaf, or nothing. */
  #applyToLeaf(
    batch: MapBatch,
    leaf: Reference,
    depth: number,
    low: number,
    high: number,
  ): Reference {
    if (leaf === EMPTY) return this.#build(batch, EMPTY, -1, depth, low, high);
    for (let i = low; i < high; i++) {
      if (!this.#arena.hasKey(leaf, batch.words, batch.keyAt(i))) continue;
      const isKept =
        batch.isSet(i) && this.#arena.hasValueHash(leaf, batch.words, batch.valueAt(i));
      if (!isKept) this.#replaced.push(leaf);
      return this.#build(batch, isKept ? leaf : EMPTY, isKept ? i : -1, depth, low, high);
    }
    return this.#build(batch, leaf, -1, depth, low, high);
  }

  /**
   * A new subtree at `depth` of the batch's values from `low` up to and without `high` and the leaf
   * that stood there before. `kept` is the change that only repeats that leaf, or −1.
   */
  #build(
    batch: MapBatch,
    existing: Reference,
    kept: number,
    depth: number,
    low: number,
    high: number,
  ): Reference {
    this.#height = 0;
    const isExtra = existing !== EMPTY && kept < 0;
    const count = batch.setsBetween(low, high) + (isExtra ? 1 : 0);
    if (count === 0) return EMPTY;
    if (count === 1) {
      if (isExtra) return existing;
      const only = batch.firstSet(low);
      return only === kept ? existing : this.#addLeaf(batch, only);
    }
    const middle = batch.split(depth, low, high);
    const goesRight = isExtra && this.#arena.keyBit(existing, depth) === 1;
    const leftExisting = isExtra && goesRight ? EMPTY : existing;
    const rightExisting = isExtra && !goesRight ? EMPTY : existing;
    const left = this.#build(batch, leftExisting, kept, depth + 1, low, middle);
    const leftHeight = this.#height;
    const right = this.#build(batch, rightExisting, kept, depth + 1, middle, high);
    return this.#join(left, leftHeight, right, this.#height);
  }

  /** A node of two subtrees, unless they are nothing or a single leaf: that rises as it is. */
  #join(left: Reference, leftHeight: number, right: Reference, rightHeight: number): Reference {
    this.#height = 0;
    if (left === EMPTY && right <= 0) return right;
    if (right === EMPTY && left < 0) return left;
    const node = this.#arena.addNode(left, right);
    this.#height = 1 + Math.max(leftHeight, rightHeight);
    this.#newNodesByHeight[this.#height] ??= [];
    (this.#newNodesByHeight[this.#height] as Reference[]).push(node);
    return node;
  }

  #addLeaf(batch: MapBatch, index: number): Reference {
    const leaf = this.#arena.addLeaf(batch.words, batch.keyAt(index));
    this.#newLeaves.push(leaf);
    return leaf;
  }

  /** Writes the hashes of all that is new, leaves first, then upwards. */
  #hashNew(): void {
    for (let from = 0; from < this.#newLeaves.length; from += CHUNK) {
      this.#hashLeaves(this.#newLeaves.slice(from, from + CHUNK));
    }
    this.#newLeaves = [];
    for (const nodes of this.#newNodesByHeight) {
      for (let from = 0; nodes !== undefined && from < nodes.length; from += CHUNK) {
        this.#hashNodes(nodes.slice(from, from + CHUNK));
      }
    }
    this.#newNodesByHeight = [];
  }

  #hashLeaves(leaves: readonly Reference[]): void {
    const input = this.#leafInput.subarray(0, leaves.length * MAP_LEAF_BYTES);
    leaves.forEach((leaf, i) => {
      this.#arena.readLeaf(leaf, input, i * MAP_LEAF_BYTES + 1);
    });
    this.#hasher.leaves(input, this.#outputFor(leaves.length));
    leaves.forEach((leaf, i) => {
      this.#arena.writeHash(leaf, this.#output, i * 8);
    });
  }

  #hashNodes(nodes: readonly Reference[]): void {
    nodes.forEach((node, i) => {
      this.#arena.readHash(this.#arena.left(node), this.#pairInput, i * 16);
      this.#arena.readHash(this.#arena.right(node), this.#pairInput, i * 16 + 8);
    });
    const input = new Uint8Array(this.#pairInput.buffer, 0, nodes.length * MAP_PAIR_BYTES);
    this.#hasher.pairs(input, this.#outputFor(nodes.length));
    nodes.forEach((node, i) => {
      this.#arena.writeHash(node, this.#output, i * 8);
    });
  }

  #outputFor(count: number): Uint8Array {
    return new Uint8Array(this.#output.buffer, 0, count * 32);
  }
}
