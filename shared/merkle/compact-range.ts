/**
 * A list that keeps only what it needs to grow: the roots of its complete subtrees.
 */
import type { Hash } from '../primitives/hash.ts';
import { EMPTY_ROOT, type ListHasher, listHasher } from './list-hash.ts';
import { foldRight, type NodeCoordinate } from './list-plan.ts';

/** A list of `size` leaves as the roots of its complete subtrees, largest first: one a set bit. */
export interface CompactRange {
  readonly size: bigint;
  readonly nodes: readonly Hash[];
}

/** Hears of every subtree as it becomes complete, the leaf first; a store can keep them. */
export type NodeListener = (node: NodeCoordinate, hash: Hash) => void;

/** A list with no leaves. */
export function emptyRange(): CompactRange {
  return { size: 0n, nodes: [] };
}

/** The list with one more leaf. */
export function appendLeaf(
  range: CompactRange,
  leaf: Hash,
  onNode?: NodeListener,
  hasher: ListHasher = listHasher,
): CompactRange {
  const nodes = range.nodes.slice();
  let hash = leaf;
  let index = range.size;
  let level = 0;
  onNode?.({ level, index }, hash);
  // Each trailing one of the size is a complete subtree that the new one joins as right sibling.
  for (; (index & 1n) === 1n; index >>= 1n) {
    hash = hasher.node(nodes.pop() as Hash, hash);
    level++;
    onNode?.({ level, index: index >> 1n }, hash);
  }
  nodes.push(hash);
  return { size: range.size + 1n, nodes };
}

/** The root of the list so far. */
export function rangeRoot(range: CompactRange, hasher: ListHasher = listHasher): Hash {
  return range.nodes.length === 0 ? EMPTY_ROOT : foldRight(range.nodes, hasher);
}
