/**
 * SHA-256, plain and tagged (docs/protocol.md §1).
 */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { type Bytes, type Bytes32, concat, utf8 } from './bytes.ts';

/** A SHA-256 digest. */
export type Hash = Bytes32;

/** Computes SHA-256. Callers with a faster native one hand it to what hashes in bulk. */
export type HashFunction = (bytes: Bytes) => Hash;

/** SHA-256 in plain JavaScript. */
export const sha256: HashFunction = (bytes) => nobleSha256(bytes) as Hash;

/** What a tagged hash is for: each use has a name of its own, so no two can be confused. */
export type HashTag =
  | 'fanal/txid/v1'
  | 'fanal/sighash/v1'
  | 'fanal/vertex/v1'
  | 'fanal/payload/v1'
  | 'fanal/commit/v1'
  | 'fanal/address/v1'
  | 'fanal/validator-set/v1'
  | 'fanal/consensus-snapshot/v1'
  | 'fanal/possession/v1'
  | 'fanal/genesis/v1'
  | 'fanal/payout/v1'
  | 'fanal/order/v1'
  | 'fanal/leader/v1'
  | 'fanal/proposer/v1'
  | 'fanal/genesis-vertex/v1';

/** H(tag, bytes) = SHA-256(tag ‖ 0x0A ‖ bytes). */
export type TaggedHash = (tag: HashTag, ...parts: Bytes[]) => Hash;

const LINE_FEED = Uint8Array.of(0x0a);
const PREFIXES = new Map<HashTag, Bytes>();

/** Tagged hashes in plain JavaScript. */
export const taggedHash: TaggedHash = (tag, ...parts) => sha256(concat(prefixOf(tag), ...parts));

/** Tagged hashes by a faster SHA-256. */
export function taggedHashOf(hash: HashFunction): TaggedHash {
  return (tag, ...parts) => hash(concat(prefixOf(tag), ...parts));
}

function prefixOf(tag: HashTag): Bytes {
  let prefix = PREFIXES.get(tag);
  if (prefix === undefined) {
    prefix = concat(utf8(tag), LINE_FEED);
    PREFIXES.set(tag, prefix);
  }
  return prefix;
}
