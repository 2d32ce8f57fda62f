/**
 * The two hashes of an RFC 6962 list: of a leaf and of a node.
 */
import type { Bytes } from '../primitives/bytes.ts';
import { type Hash, type HashFunction, sha256 } from '../primitives/hash.ts';

/** How a list hashes. Callers with a faster SHA-256 make one with `listHasherOf`. */
export interface ListHasher {
  /** SHA-256(0x00 ‖ data) */
  leaf(data: Bytes): Hash;
  /** SHA-256(0x01 ‖ left ‖ right) */
  node(left: Hash, right: Hash): Hash;
}

export const HASH_BYTES = 32;

/** The root of a list with no leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));

/** Makes a list's hashes from SHA-256, which must not keep the bytes that it is given. */
export function listHasherOf(hash: HashFunction): ListHasher {
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  return {
    leaf(data) {
      const bytes = new Uint8Array(1 + data.length);
      bytes.set(data, 1);
      return hash(bytes);
    },
    node(left, right) {
      pair.set(left, 1);
      pair.set(right, 1 + HASH_BYTES);
      return hash(pair);
    },
  };
}

/** Hashes in plain JavaScript. */
export const listHasher: ListHasher = listHasherOf(sha256);

/** The hash of a leaf: SHA-256(0x00 ‖ data). */
export const leafHash: (data: Bytes) => Hash = listHasher.leaf;

/** The hash of a node: SHA-256(0x01 ‖ left ‖ right). */
export const nodeHash: (left: Hash, right: Hash) => Hash = listHasher.node;
