/**
 * Many consecutive leaves of a list proved at once, such as a page of a history: the hashes beside
 * the page, left to right, and not one more.
 */
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { EMPTY_ROOT, type ListHasher, listHasher } from './list-hash.ts';
import { splitOf } from './list-plan.ts';
import { listRoot } from './list-proof.ts';
import { checkHashes, checkPathLength, checkRoot, checkSize } from './proof-checks.ts';

/** "These leaves, in this order, are what the list of `size` has from number `from` on." */
export interface RangeClaim {
  readonly from: bigint;
  readonly leaves: readonly Hash[];
  readonly size: bigint;
  readonly root: Hash;
  readonly path: readonly Hash[];
}

/**
 * Checks that leaves stand in a list where they are said to stand, with none left out between
 * them. No leaves at all can only be proved of the empty list.
 *
 * @throws {VerificationError} `proof/hash-length`, `proof/size`, `proof/index-out-of-range`,
 *   `proof/path-length`, `proof/root-mismatch`
 */
export function verifyRange(claim: RangeClaim, hasher: ListHasher = listHasher): void {
  const { from, leaves, size, root, path } = claim;
  const step = 'range proof';
  checkHashes(step, [root, ...leaves, ...path]);
  checkSize(step, size);
  const to = from + BigInt(leaves.length);
  if (from < 0n || to > size || (from === to && size > 0n)) {
    throw new VerificationError(
      'proof/index-out-of-range',
      step,
      `one or more of the leaves 0 to ${size}`,
      `leaves ${from} to ${to}`,
    );
  }
  checkPathLength(step, path, siblingCount(0n, size, from, to));
  let next = 0;
  const rootOf = (begin: bigint, end: bigint): Hash => {
    if (end <= from || begin >= to) return path[next++] as Hash;
    if (begin >= from && end <= to) {
      return listRoot(leaves.slice(Number(begin - from), Number(end - from)), hasher);
    }
    const middle = splitOf(begin, end);
    const left = rootOf(begin, middle);
    return hasher.node(left, rootOf(middle, end));
  };
  checkRoot(step, root, size === 0n ? EMPTY_ROOT : rootOf(0n, size));
}

/** How many subtrees lie beside the leaves from `from` to `to`. */
function siblingCount(begin: bigint, end: bigint, from: bigint, to: bigint): number {
  if (begin >= from && end <= to) return 0;
  if (end <= from || begin >= to) return 1;
  const middle = splitOf(begin, end);
  return siblingCount(begin, middle, from, to) + siblingCount(middle, end, from, to);
}
