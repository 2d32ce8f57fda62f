/**
 * Which nodes of a list make up a proof, before anyone looks up a hash.
 *
 * A node is named by its level (0 for leaves) and its index in that level, and named only where its
 * subtree is complete: such a node never changes, so a store can keep it by that name for good. The
 * right edge of a list is not complete; where a proof needs it, the plan lists the complete nodes
 * that it folds from.
 */
import { assert } from '../primitives/assert.ts';
import type { Hash } from '../primitives/hash.ts';
import { type ListHasher, listHasher } from './list-hash.ts';

/** A complete subtree: the 2^level leaves from index · 2^level on. */
export interface NodeCoordinate {
  readonly level: number;
  readonly index: bigint;
}

/** The hashes of a proof in order, each as the complete subtrees it folds from, left to right. */
export type ProofPlan = readonly (readonly NodeCoordinate[])[];

/** Plans the path of leaf `index` in a list of `size` leaves (RFC 6962 §2.1.1), lowest first. */
export function inclusionNodes(index: bigint, size: bigint): ProofPlan {
  assert(index >= 0n && index < size, `leaf ${index} is outside a list of ${size}`);
  return siblingsAlong(index, 0n, size).reverse();
}

/** Plans the proof that a list of `oldSize` leaves is how one of `newSize` began (§2.1.2). */
export function consistencyNodes(oldSize: bigint, newSize: bigint): ProofPlan {
  assert(oldSize >= 0n && oldSize <= newSize, `a list of ${newSize} has no prefix of ${oldSize}`);
  if (oldSize === 0n || oldSize === newSize) return [];
  // The path of the old list's last complete subtree, and that subtree itself unless it is the
  // whole old list, whose root the verifier holds.
  const last = trailingSubtree(oldSize);
  const path = siblingsAlong(oldSize - 1n, 0n, newSize, last.level).reverse();
  return last.index === 0n ? path : [[last], ...path];
}

/**
 * Plans the proof of the leaves from `from` up to and without `to`: the subtrees beside them, left
 * to right.
 */
export function rangeNodes(from: bigint, to: bigint, size: bigint): ProofPlan {
  assert(from >= 0n && from < to && to <= size, `leaves ${from} to ${to} of ${size}`);
  const plan: NodeCoordinate[][] = [];
  const visit = (begin: bigint, end: bigint): void => {
    if (end <= from || begin >= to) plan.push(coverOf(begin, end));
    else if (begin < from || end > to) {
      const middle = splitOf(begin, end);
      visit(begin, middle);
      visit(middle, end);
    }
  };
  visit(0n, size);
  return plan;
}

/** The complete subtrees that make up a list of `size` leaves, largest first. */
export function peakNodes(size: bigint): NodeCoordinate[] {
  return coverOf(0n, size);
}

/** Turns a plan into a proof, given the hashes of complete subtrees. */
export function foldPlan(
  plan: ProofPlan,
  hashOf: (node: NodeCoordinate) => Hash,
  hasher: ListHasher = listHasher,
): Hash[] {
  return plan.map((cover) => foldRight(cover.map(hashOf), hasher));
}

/** Joins subtrees, given largest first, into the root above them. */
export function foldRight(hashes: readonly Hash[], hasher: ListHasher): Hash {
  let root = hashes.at(-1) as Hash;
  for (let i = hashes.length - 2; i >= 0; i--) root = hasher.node(hashes[i] as Hash, root);
  return root;
}

/** Where RFC 6962 splits the leaves from `begin` to `end`: after the largest power of two below. */
export function splitOf(begin: bigint, end: bigint): bigint {
  return begin + (1n << BigInt(bitLength(end - begin - 1n) - 1));
}

/** How many binary digits a number has; none for zero. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** The siblings on the way from the root down to the subtree at `level` that holds leaf `index`. */
function siblingsAlong(
  index: bigint,
  begin: bigint,
  end: bigint,
  level = 0,
): (readonly NodeCoordinate[])[] {
  const siblings: NodeCoordinate[][] = [];
  const width = 1n << BigInt(level);
  let low = begin;
  let high = end;
  while (high - low > width) {
    const middle = splitOf(low, high);
    if (index < middle) {
      siblings.push(coverOf(middle, high));
      high = middle;
    } else {
      siblings.push(coverOf(low, middle));
      low = middle;
    }
  }
  return siblings;
}

/** The complete subtrees, largest first, of the leaves from `begin`, a split point, to `end`. */
function coverOf(begin: bigint, end: bigint): NodeCoordinate[] {
  const cover: NodeCoordinate[] = [];
  let at = begin;
  while (at < end) {
    const level = bitLength(end - at) - 1;
    cover.push({ level, index: at >> BigInt(level) });
    at += 1n << BigInt(level);
  }
  return cover;
}

/** The last complete subtree of a list of `size` leaves. */
function trailingSubtree(size: bigint): NodeCoordinate {
  let level = 0;
  while (((size >> BigInt(level)) & 1n) === 0n) level++;
  return { level, index: (size >> BigInt(level)) - 1n };
}
