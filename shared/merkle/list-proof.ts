/**
 * Roots and proofs of a list whose leaf hashes are at hand.
 *
 * Each call hashes what it needs anew. For many proofs of one list, make a `nodeTable` once; for a
 * list in a store, plan with `list-plan.ts` and fetch the nodes.
 */
import { assert } from '../primitives/assert.ts';
import type { Hash } from '../primitives/hash.ts';
import { EMPTY_ROOT, type ListHasher, listHasher } from './list-hash.ts';
import {
  consistencyNodes,
  foldPlan,
  inclusionNodes,
  type NodeCoordinate,
  rangeNodes,
} from './list-plan.ts';

/** The root of a list: RFC 6962's Merkle tree hash. */
export function listRoot(leafHashes: readonly Hash[], hasher: ListHasher = listHasher): Hash {
  if (leafHashes.length === 0) return EMPTY_ROOT;
  let level = leafHashes;
  while (level.length > 1) level = nextLevel(level, hasher, true);
  return level[0] as Hash;
}

/** Proves that leaf `index` is in the list of the first `size` leaves. */
export function inclusionProof(
  leafHashes: readonly Hash[],
  index: bigint,
  size = BigInt(leafHashes.length),
  hasher: ListHasher = listHasher,
): Hash[] {
  return foldPlan(inclusionNodes(index, size), subtreesOf(leafHashes, hasher), hasher);
}

/** Proves that the list of the first `oldSize` leaves is a prefix of that of `newSize`. */
export function consistencyProof(
  leafHashes: readonly Hash[],
  oldSize: bigint,
  newSize = BigInt(leafHashes.length),
  hasher: ListHasher = listHasher,
): Hash[] {
  return foldPlan(consistencyNodes(oldSize, newSize), subtreesOf(leafHashes, hasher), hasher);
}

/** Proves the leaves from `from` up to and without `to` of the list of the first `size` leaves. */
export function rangeProof(
  leafHashes: readonly Hash[],
  from: bigint,
  to: bigint,
  size = BigInt(leafHashes.length),
  hasher: ListHasher = listHasher,
): Hash[] {
  return foldPlan(rangeNodes(from, to, size), subtreesOf(leafHashes, hasher), hasher);
}

/** Hashes a list once and keeps every complete subtree, so that each proof costs no more hashes. */
export function nodeTable(
  leafHashes: readonly Hash[],
  hasher: ListHasher = listHasher,
): (node: NodeCoordinate) => Hash {
  const levels = [leafHashes];
  for (let level = leafHashes; level.length > 1; ) {
    level = nextLevel(level, hasher, false);
    levels.push(level);
  }
  return ({ level, index }) => {
    const hash = levels[level]?.[Number(index)];
    assert(hash !== undefined, `node ${index} of level ${level} is not complete`);
    return hash;
  };
}

function subtreesOf(leafHashes: readonly Hash[], hasher: ListHasher) {
  return ({ level, index }: NodeCoordinate): Hash => {
    const width = 2 ** level;
    const begin = Number(index) * width;
    assert(begin + width <= leafHashes.length, 'the proof asks for leaves beyond the end');
    return listRoot(leafHashes.slice(begin, begin + width), hasher);
  };
}

/** Pairs hashes up. One left over rises as it is, or waits when only complete nodes are wanted. */
function nextLevel(level: readonly Hash[], hasher: ListHasher, rise: boolean): Hash[] {
  const above: Hash[] = [];
  const pairs = level.length >> 1;
  for (let i = 0; i < pairs; i++) {
    above.push(hasher.node(level[2 * i] as Hash, level[2 * i + 1] as Hash));
  }
  if (rise && level.length % 2 === 1) above.push(level.at(-1) as Hash);
  return above;
}
