/**
 * A proof step by step: what is hashed with what on the way from a leaf to its root, for people who
 * want to see it, on a page or a terminal.
 *
 * These functions explain; they don't verify. Compare the last result with a root you trust, or
 * call the verifier.
 */
import { headerCodec } from '../chain/header.ts';
import { transactionLeaf, txidOf } from '../chain/transaction-leaf.ts';
import type { TransactionPlace, TransactionProof } from '../light/transaction-proof.ts';
import { leafHash, nodeHash } from '../merkle/list.ts';
import { EMPTY_MAP_ROOT, type MapProof, mapBit, mapLeafHash, mapNodeHash } from '../merkle/map.ts';
import type { Hash } from '../primitives/hash.ts';

/** One hash on the way up. */
export interface MerkleStep {
  readonly tree: 'transactions' | 'header log' | 'state';
  /** Where the sibling stands. */
  readonly side: 'left' | 'right';
  readonly sibling: Hash;
  readonly result: Hash;
}

/** A way from a leaf to a root. */
export interface MerkleClimb {
  readonly leaf: Hash;
  readonly steps: readonly MerkleStep[];
  readonly root: Hash;
}

/** From a transaction to its block's transaction root, and on from the header to the log's root. */
export function merkleSteps(proof: TransactionProof): readonly [MerkleClimb, MerkleClimb] {
  const { header, size, path } = proof.header;
  const leaf = leafHash(headerCodec.encode(header));
  return [
    transactionSteps(proof, header.txCount),
    listSteps('header log', leaf, header.height, size, path),
  ];
}

/** From a transaction to the transaction root of a block with `count` transactions. */
export function transactionSteps(place: TransactionPlace, count: number): MerkleClimb {
  const leaf = leafHash(transactionLeaf(txidOf(place.transaction), place.witnesses));
  return listSteps('transactions', leaf, BigInt(place.position), BigInt(count), place.path);
}

/** Up a list: RFC 6962's order of siblings, from the leaf's to the root's. */
export function listSteps(
  tree: MerkleStep['tree'],
  leaf: Hash,
  index: bigint,
  size: bigint,
  path: readonly Hash[],
): MerkleClimb {
  const steps: MerkleStep[] = [];
  let root = leaf;
  let place = index;
  let last = size - 1n;
  for (const sibling of path) {
    const isRight = (place & 1n) === 1n;
    if (isRight || place === last) {
      root = nodeHash(sibling, root);
      steps.push({ tree, side: 'left', sibling, result: root });
      // The last node of a level has no sibling of its own until it is on the right.
      while ((place & 1n) === 0n && place !== 0n) {
        place >>= 1n;
        last >>= 1n;
      }
    } else {
      root = nodeHash(root, sibling);
      steps.push({ tree, side: 'right', sibling, result: root });
    }
    place >>= 1n;
    last >>= 1n;
  }
  return { leaf, steps, root };
}

/** Up the state map, from what stands where a key is or would be. */
export function mapSteps(key: Hash, { siblings, end }: MapProof): MerkleClimb {
  const leaf = end === null ? EMPTY_MAP_ROOT : mapLeafHash(end);
  const steps: MerkleStep[] = [];
  let root = leaf;
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] ?? EMPTY_MAP_ROOT;
    const isRight = mapBit(key, depth) === 1;
    root = isRight ? mapNodeHash(sibling, root) : mapNodeHash(root, sibling);
    steps.push({ tree: 'state', side: isRight ? 'left' : 'right', sibling, result: root });
  }
  return { leaf, steps, root };
}
