/**
 * Lists as RFC 6962 has them: an append-only Merkle tree whose every prefix stays provable
 * (docs/protocol.md §4). Here is what a client checks; making proofs is in `list-proof.ts`.
 */
import { VerificationError } from '../primitives/errors.ts';
import type { Hash } from '../primitives/hash.ts';
import { EMPTY_ROOT, type ListHasher, listHasher } from './list-hash.ts';
import { bitLength } from './list-plan.ts';
import { checkHashes, checkPathLength, checkRoot, checkSize } from './proof-checks.ts';

export {
  appendLeaf,
  type CompactRange,
  emptyRange,
  type NodeListener,
  rangeRoot,
} from './compact-range.ts';
export {
  EMPTY_ROOT,
  HASH_BYTES,
  type ListHasher,
  leafHash,
  listHasher,
  listHasherOf,
  nodeHash,
} from './list-hash.ts';
export {
  consistencyNodes,
  foldPlan,
  inclusionNodes,
  type NodeCoordinate,
  type ProofPlan,
  peakNodes,
  rangeNodes,
} from './list-plan.ts';
export {
  consistencyProof,
  inclusionProof,
  listRoot,
  nodeTable,
  rangeProof,
} from './list-proof.ts';
export { type RangeClaim, verifyRange } from './list-range.ts';

/** "This leaf is number `index` of the list of `size` leaves with this root." */
export interface InclusionClaim {
  readonly leaf: Hash;
  readonly index: bigint;
  readonly size: bigint;
  readonly root: Hash;
  readonly path: readonly Hash[];
}

/** "The list with the old root is how the list with the new root began." */
export interface ConsistencyClaim {
  readonly oldSize: bigint;
  readonly oldRoot: Hash;
  readonly newSize: bigint;
  readonly newRoot: Hash;
  readonly path: readonly Hash[];
}

/**
 * Checks that a leaf stands where it is said to stand (RFC 6962 §2.1.1).
 *
 * @throws {VerificationError} `proof/hash-length`, `proof/size`, `proof/index-out-of-range`,
 *   `proof/path-length`, `proof/root-mismatch`
 */
export function verifyInclusion(claim: InclusionClaim, hasher: ListHasher = listHasher): void {
  const { leaf, index, size, root, path } = claim;
  const step = 'inclusion proof';
  checkHashes(step, [leaf, root, ...path]);
  checkSize(step, size);
  if (index < 0n || index >= size) {
    throw new VerificationError(
      'proof/index-out-of-range',
      step,
      `an index below ${size}`,
      `${index}`,
      { hint: 'The proof may come from a newer list than the root. Sync, then ask again.' },
    );
  }
  // Up to `inner` the path turns with the bits of the index; above, the list's right edge is on it
  // and every sibling is on the left.
  const inner = bitLength(index ^ (size - 1n));
  checkPathLength(step, path, inner + onesOf(index >> BigInt(inner)));
  const edge = climb(leaf, path, 0, inner, index, hasher);
  checkRoot(step, root, climb(edge, path, inner, path.length, ALL_LEFT, hasher));
}

/**
 * Checks that an older list is a prefix of a newer one (RFC 6962 §2.1.2).
 *
 * @throws {VerificationError} `proof/hash-length`, `proof/size`, `proof/path-length`,
 *   `proof/root-mismatch`
 */
export function verifyConsistency(claim: ConsistencyClaim, hasher: ListHasher = listHasher): void {
  const { oldSize, oldRoot, newSize, newRoot, path } = claim;
  const step = 'consistency proof';
  checkHashes(step, [oldRoot, newRoot, ...path]);
  checkSize(step, newSize);
  if (oldSize < 0n || oldSize > newSize) {
    throw new VerificationError(
      'proof/size',
      step,
      `an old size of at most ${newSize}`,
      `${oldSize}`,
    );
  }
  if (oldSize === newSize || oldSize === 0n) {
    checkPathLength(step, path, 0);
    checkRoot(`${step}, old root`, oldRoot, oldSize === 0n ? EMPTY_ROOT : newRoot);
    if (newSize === 0n) checkRoot(`${step}, new root`, newRoot, EMPTY_ROOT);
    return;
  }
  // The last complete subtree of the old list is where both roots are climbed from. When it is the
  // whole old list, its hash is the old root and not repeated in the path.
  const level = trailingZeros(oldSize);
  const last = (oldSize - 1n) >> BigInt(level);
  const inner = bitLength(last ^ ((newSize - 1n) >> BigInt(level)));
  const start = last === 0n ? 0 : 1;
  checkPathLength(step, path, start + inner + onesOf(last >> BigInt(inner)));
  const seed = start === 0 ? oldRoot : (path[0] as Hash);
  const border = start + inner;
  const oldInner = climbLeft(seed, path, start, border, last, hasher);
  checkRoot(
    `${step}, old root`,
    oldRoot,
    climb(oldInner, path, border, path.length, ALL_LEFT, hasher),
  );
  const newInner = climb(seed, path, start, border, last, hasher);
  checkRoot(
    `${step}, new root`,
    newRoot,
    climb(newInner, path, border, path.length, ALL_LEFT, hasher),
  );
}

/** Every bit set: each sibling is on the left. */
const ALL_LEFT = -1n;

/** Joins a hash with path[from..to], lowest first; bit i of `index` says who is on the right. */
function climb(
  seed: Hash,
  path: readonly Hash[],
  from: number,
  to: number,
  index: bigint,
  hasher: ListHasher,
): Hash {
  let hash = seed;
  let bits = index;
  for (let i = from; i < to; i++) {
    const sibling = path[i] as Hash;
    hash = (bits & 1n) === 1n ? hasher.node(sibling, hash) : hasher.node(hash, sibling);
    bits >>= 1n;
  }
  return hash;
}

/** The same with the left siblings alone: those are what an older, shorter list had. */
function climbLeft(
  seed: Hash,
  path: readonly Hash[],
  from: number,
  to: number,
  index: bigint,
  hasher: ListHasher,
): Hash {
  let hash = seed;
  let bits = index;
  for (let i = from; i < to; i++) {
    if ((bits & 1n) === 1n) hash = hasher.node(path[i] as Hash, hash);
    bits >>= 1n;
  }
  return hash;
}

function onesOf(value: bigint): number {
  let count = 0;
  for (let rest = value; rest > 0n; rest >>= 1n) if ((rest & 1n) === 1n) count++;
  return count;
}

function trailingZeros(value: bigint): number {
  let count = 0;
  while (((value >> BigInt(count)) & 1n) === 0n) count++;
  return count;
}
