/**
 * The state map as of each recent block, in memory. On disk are only its leaves.
 */

import type { MapProof } from 'fanal/merkle/map.ts';
import {
  EMPTY_MAP,
  type MapChange,
  type MapHasher,
  type MapRoot,
  MapTree,
  type Replaced,
} from 'fanal/merkle/map-tree.ts';
import { assert } from 'fanal/primitives/assert.ts';
import type { Hash } from 'fanal/primitives/hash.ts';

interface Version {
  readonly root: MapRoot;
  /** What of the version before this one does not share: given back when that one goes. */
  readonly replaced: Replaced;
  readonly changes: number;
}

/** Leaves that are put into a new tree at a time: the objects that carry them are large. */
const BATCH = 65_536;

const NOTHING = [] as readonly number[] as Replaced;

export class StateTree {
  readonly #tree: MapTree;
  /** By height, without a gap from the oldest to the newest. */
  readonly #versions = new Map<bigint, Version>();
  #oldest: bigint;
  #newest: bigint;
  #abandoned = 0;

  /** Starts from all leaves of the state after the block of `height`. */
  constructor(height: bigint, leaves: Iterable<MapChange>, hasher: MapHasher) {
    this.#tree = new MapTree(hasher);
    this.#oldest = height;
    this.#newest = height;
    let root = EMPTY_MAP;
    const add = (batch: readonly MapChange[]) => {
      const updated = this.#tree.update(root, batch);
      this.#tree.free(updated.replaced);
      root = updated.root;
    };
    let batch: MapChange[] = [];
    for (const leaf of leaves) {
      batch.push(leaf);
      if (batch.length < BATCH) continue;
      add(batch);
      batch = [];
    }
    add(batch);
    this.#versions.set(height, { root, replaced: NOTHING, changes: 0 });
  }

  get oldest(): bigint {
    return this.#oldest;
  }

  get newest(): bigint {
    return this.#newest;
  }

  get sizeBytes(): number {
    return this.#tree.size.bytes;
  }

  /** The root after the block of `height`. */
  hash(height: bigint): Hash {
    return this.#tree.hash(this.#version(height).root);
  }

  /** Applies the next block's changes and returns the new root. */
  append(height: bigint, changes: readonly MapChange[]): Hash {
    assert(height === this.#newest + 1n, `state ${height} follows ${this.#newest}`);
    const { root, replaced } = this.#tree.update(this.#version(this.#newest).root, changes);
    this.#versions.set(height, { root, replaced, changes: changes.length });
    this.#newest = height;
    return this.#tree.hash(root);
  }

  prove(height: bigint, key: Hash): MapProof {
    return this.#tree.prove(this.#version(height).root, key);
  }

  has(height: bigint): boolean {
    return this.#versions.has(height);
  }

  /** Gives up the versions below `height`. */
  forgetBelow(height: bigint): void {
    while (this.#oldest < height && this.#oldest < this.#newest) {
      this.#tree.free(this.#version(this.#oldest + 1n).replaced);
      this.#versions.delete(this.#oldest);
      this.#oldest += 1n;
    }
  }

  /**
   * Takes back the newest version. Its own parts stay behind unused, so whoever does this often
   * makes a new tree: `abandoned` says how much has gathered.
   */
  dropNewest(): void {
    assert(this.#newest > this.#oldest, 'the oldest state stays');
    this.#abandoned += this.#version(this.#newest).changes;
    this.#versions.delete(this.#newest);
    this.#newest -= 1n;
  }

  /** Changes in versions that were taken back. */
  get abandoned(): number {
    return this.#abandoned;
  }

  #version(height: bigint): Version {
    const version = this.#versions.get(height);
    assert(version !== undefined, `no state of height ${height}`);
    return version;
  }
}
