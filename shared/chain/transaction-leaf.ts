/**
 * How a transaction stands in its block's tree, from its bytes alone. A verifier can prove a
 * transaction of a kind that it cannot read (docs/protocol.md §6.2).
 */
import { type Bytes, concat } from '../primitives/bytes.ts';
import { type Hash, type HashFunction, sha256, taggedHash } from '../primitives/hash.ts';

/** H(txid, transaction) of a transaction's bytes, without witnesses. */
export function txidOf(transaction: Bytes): Hash {
  return taggedHash('fanal/txid/v1', transaction);
}

const LEAF_TAG = Uint8Array.of(0x54);

/**
 * The data of a transaction's leaf: 0x54 ‖ txid ‖ SHA-256(witnesses), 65 bytes, so that no leaf is
 * as long as a pair of hashes.
 *
 * @param witnesses the encoded list of witnesses
 */
export function transactionLeaf(txid: Hash, witnesses: Bytes, hash: HashFunction = sha256): Bytes {
  return concat(LEAF_TAG, txid, hash(witnesses));
}
